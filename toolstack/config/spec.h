/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structured config values ("key=value,key=value") and their libxl JSON, both
 * driven by one table per kind: a row names the key, the libxl field, the type
 * and where the value lives in our struct. Parsing, freeing, JSON out and JSON
 * in follow from it; what is special to one kind stands in that kind's file.
 *
 * JSON is what xl 4.17 makes of the same text (libxl_types.idl): rows stand in
 * the order of the IDL, a field with its default value is left out, nested
 * structs are always there. Messages name the offending word and the valid
 * ones, without file and line: the caller puts these in front with fail_in().
 * Pure: no Xen, no files, no output.
 */
#ifndef CONFIG_SPEC_H
#define CONFIG_SPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

/* Longer values are refused; a store node holds at most 4096 bytes anyway. */
#define SPEC_TEXT_MAX 8192
/* Most elements that a list inside one value may have. */
#define SPEC_LIST_MAX 1024

/* libxl's number plus one: 0 is "not given". */
enum rdm_policy { RDM_POLICY_UNSET, RDM_POLICY_STRICT, RDM_POLICY_RELAXED };

/*
 * What a spec takes from elsewhere when it does not say so itself. Everything is
 * borrowed and optional; a NULL pointer to the struct means no defaults.
 */
struct spec_defaults {
	/* xl.conf: vif.default.* */
	const char *vif_script, *vif_bridge, *vif_backend, *vif_gatewaydev;
	/* the config's pci_msitranslate and so on, and the policy of rdm= */
	bool pci_msitranslate, pci_power_mgmt, pci_permissive, pci_seize;
	enum rdm_policy pci_rdm_policy;
	/*
	 * Called for what xl carries on with after a complaint (an unknown vif key)
	 * and for advice. A return other than 0 makes a complaint an error (--strict).
	 * Without it complaints are errors, as they are for xl's attach commands,
	 * and advice is dropped. The message is only valid during the call.
	 */
	int (*warn)(void *arg, const char *msg);
	void *warn_arg;
};

enum spec_kind {
	SPEC_STR,		/* char *, owned, NULL: not given */
	SPEC_UINT,		/* uint32_t, 0 is the default */
	SPEC_U64,		/* uint64_t, 0 is the default */
	SPEC_BOOL,		/* bool, in JSON true */
	SPEC_FLAG,		/* bool that is an integer for libxl: in JSON 1 */
	SPEC_DEFBOOL,		/* enum tri: libxl's defbool */
	SPEC_ENUM,		/* enum, 0 is the default; names below */
	SPEC_DEVID,		/* int, -1 is the default */
	SPEC_MAC,		/* uint8_t[6], all 0 is the default */
	SPEC_UUID,		/* uint8_t[16], all 0 is the default */
	SPEC_STRUCT,		/* a struct described by sub */
	SPEC_UNION,		/* enum that chooses which fields of sub count */
	SPEC_LIST,		/* struct spec_list of what sub describes */
	SPEC_ALIAS,		/* only a set function: an old key of another field, or none */
};

/* Index = enum value; [0] is the default and has no name, or one without use. */
struct spec_names {
	const char *const *json;	/* libxl's names */
	const char *const *words;	/* names in the text; NULL: the same */
	unsigned int nr;
	bool nocase;			/* xl compares without case here */
};

struct spec_list {
	void *items;			/* owned */
	unsigned int nr;
};

struct spec_table;

struct spec_field {
	const char *key;		/* in the text; NULL: cannot be given there */
	const char *json;		/* libxl's name; NULL: not in its JSON */
	enum spec_kind kind;
	bool hidden;			/* not offered in messages */
	size_t offset;
	uint64_t max;			/* SPEC_UINT, SPEC_U64, SPEC_DEVID; 0: the type's */
	const struct spec_names *names;
	const struct spec_table *sub;
	unsigned int when;		/* in a union: the choice this belongs to */
	/* Replaces the reading that the kind implies. */
	int (*set)(void *obj, const char *value, const struct spec_defaults *d,
		   struct err *err);
};

/* A word without '=' that stands for a value ("untrusted"). */
struct spec_word {
	const char *word;
	enum spec_kind kind;		/* SPEC_BOOL, SPEC_FLAG, SPEC_DEFBOOL */
	size_t offset;
	unsigned int value;
};

struct spec_table {
	const char *what;		/* "vif", for messages */
	size_t size;			/* of the struct */
	const struct spec_field *fields;
	unsigned int nr_fields;
	const struct spec_word *words;
	unsigned int nr_words;
};

/* What to do with unknown keys in spec_parse(). */
enum spec_unknown { SPEC_UNKNOWN_FAIL, SPEC_UNKNOWN_COMPLAIN };

/* Empty values of all fields, devid -1. */
void spec_init(const struct spec_table *t, void *obj);
/* Frees what the fields own and leaves the struct as after spec_init(). */
void spec_free(const struct spec_table *t, void *obj);

/* Refuses over-long text and control characters; text must pass before use. */
int spec_check_text(const char *what, const char *text, struct err *err) must_check;

/* Sets one field; -ENOENT (and no message) when the table has no such key. */
int spec_set(const struct spec_table *t, void *obj, const char *key, const char *value,
	     const struct spec_defaults *d, struct err *err) must_check;
/* Sets what a word stands for; -ENOENT when it is none of the table's. */
int spec_set_word(const struct spec_table *t, void *obj, const char *word) must_check;
/* Replaces an owned string. */
int spec_set_str(char **at, const char *value, struct err *err) must_check;

/*
 * Reads "key=value,word,..." into an initialised struct: empty items are skipped,
 * blanks around keys and values dropped, later values replace earlier ones.
 */
int spec_parse(const struct spec_table *t, void *obj, const char *text,
	       enum spec_unknown unknown, const struct spec_defaults *d,
	       struct err *err) must_check;

/* Cuts the next item off *rest at any of delims, without the blanks around it; NULL: none left. */
char *spec_next(char **rest, const char *delims);
/* Splits "key=value" in place, without blanks; the value, or NULL when there is no '='. */
char *spec_split(char *item);

/* The value of word in names, or -1. */
int spec_enum(const struct spec_names *names, const char *word);
/* "unknown WHAT 'word', valid are a, b, c" -> -EINVAL */
int spec_bad_enum(const char *what, const struct spec_names *names, const char *word,
		  struct err *err);
/* "unknown vif key 'word' (did you mean ...?), valid are ..." -> -EINVAL */
int spec_bad_key(const struct spec_table *t, const char *word, struct err *err);
/* A number of at most max, decimal or 0x hexadecimal; what is named in the message. */
int spec_number(const char *what, const char *value, uint64_t max, uint64_t *out,
		struct err *err) must_check;

/* A complaint: warns and returns 0, or fails with -EINVAL (see spec_defaults.warn). */
int spec_complain(const struct spec_defaults *d, struct err *err, const char *fmt, ...)
	printf_like(3, 4) must_check;
/* Advice: warns if there is someone to warn. */
void spec_advise(const struct spec_defaults *d, const char *fmt, ...) printf_like(2, 3);

/* Appends a zeroed (spec_init) item; NULL when out of memory or SPEC_LIST_MAX is reached. */
void *spec_list_add(struct spec_list *list, const struct spec_table *t);

/* One libxl JSON object of the struct; *out is a new reference. */
int spec_to_json(const struct spec_table *t, const void *obj, json_t **out,
		 struct err *err) must_check;
/* The reverse, for JSON from libxl or us; fields it does not know are skipped. */
int spec_from_json(const struct spec_table *t, json_t *json, void *obj,
		   struct err *err) must_check;

#endif
