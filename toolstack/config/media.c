/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xen/io/sndif.h>

#include "base/scope.h"
#include "base/str.h"

#define OFF(type, member) .offset = offsetof(struct type, member)
#define TABLE(name, type, text)								\
	static const struct spec_table name = {						\
		.what = text, .size = sizeof(struct type), .fields = type##_fields,	\
		.nr_fields = ARRAY_SIZE(type##_fields),					\
	}

/* Cuts "a;b;c" up and hands each piece to add. */
static int each_piece(const char *value, void *to,
		      int (*add)(void *to, char *piece, struct err *err), struct err *err)
{
	scoped(free) char *copy = strdup(value);
	char *rest = copy, *piece;

	if (!copy)
		return fail_nomem(err);
	while ((piece = spec_next(&rest, ";"))) {
		int rc = add(to, piece, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- vdispl ---- */

static const struct spec_field vdispl_connector_fields[] = {
	{ .json = "unique_id", .kind = SPEC_STR, OFF(vdispl_connector, unique_id) },
	{ .json = "width", .kind = SPEC_UINT, OFF(vdispl_connector, width) },
	{ .json = "height", .kind = SPEC_UINT, OFF(vdispl_connector, height) },
};

TABLE(connector_table, vdispl_connector, "connector");

static void *add_item(struct spec_list *list, const struct spec_table *t, struct err *err)
{
	void *item = spec_list_add(list, t);

	if (!item)
		(void)fail(err, ENOMEM, "no memory for one more %s, or over %d of them", t->what,
			   SPEC_LIST_MAX);
	return item;
}

/* "ID:WIDTHxHEIGHT" */
static int add_connector(void *to, char *piece, struct err *err)
{
	char *size = strchr(piece, ':');
	char *height = size ? strchr(size, 'x') : NULL;
	struct vdispl_connector *connector;
	uint64_t w = 0, h = 0;

	if (!height || size == piece)
		return fail(err, EINVAL, "bad connector '%.60s', expected ID:WIDTHxHEIGHT", piece);
	*size++ = '\0';
	*height++ = '\0';
	if (str_to_u64(size, 65535, &w) < 0 || str_to_u64(height, 65535, &h) < 0)
		return fail(err, EINVAL, "bad size '%.30sx%.30s' of connector '%.60s'", size,
			    height, piece);
	connector = add_item(to, &connector_table, err);
	if (!connector)
		return -err->code;
	connector->width = (uint32_t)w;
	connector->height = (uint32_t)h;
	return spec_set_str(&connector->unique_id, piece, err);
}

static int set_connectors(void *obj, const char *value, const struct spec_defaults *d,
			  struct err *err)
{
	(void)d;
	return each_piece(value, &((struct vdispl *)obj)->connectors, add_connector, err);
}

static const struct spec_field vdispl_fields[] = {
	{ .json = "backend_domid", .kind = SPEC_UINT, OFF(vdispl, backend_domid) },
	{ .key = "backend", .json = "backend_domname", .kind = SPEC_STR,
	  OFF(vdispl, backend_domname) },
	{ .json = "devid", .kind = SPEC_DEVID, OFF(vdispl, devid) },
	{ .key = "be-alloc", .json = "be_alloc", .kind = SPEC_BOOL, OFF(vdispl, be_alloc) },
	{ .key = "connectors", .json = "connectors", .kind = SPEC_LIST, .sub = &connector_table,
	  OFF(vdispl, connectors), .set = set_connectors },
};

TABLE(vdispl_table, vdispl, "vdispl");

int vdispl_parse(const char *spec, const struct spec_defaults *d, struct vdispl *out,
		 struct err *err)
{
	scoped(vdispl) struct vdispl vdispl = VDISPL_INIT;
	int rc;

	rc = spec_parse(&vdispl_table, &vdispl, spec, SPEC_UNKNOWN_FAIL, d, err);
	if (rc < 0)
		return rc;
	if (!vdispl.connectors.nr)
		return fail(err, EINVAL, "vdispl spec '%.200s' has no connectors=", spec);
	*out = vdispl;
	vdispl = (struct vdispl)VDISPL_INIT;
	return 0;
}

/* ---- vsnd: a card has pcms, a pcm has streams, each with parameters ---- */

static const char *const format_words[] = {
	NULL, "s8", "u8", "s16_le", "s16_be", "u16_le", "u16_be", "s24_le", "s24_be", "u24_le",
	"u24_be", "s32_le", "s32_be", "u32_le", "u32_be", "f32_le", "f32_be", "f64_le", "f64_be",
	"iec958_subframe_le", "iec958_subframe_be", "mu_law", "a_law", "ima_adpcm", "mpeg", "gsm",
};
static const struct spec_names formats = {
	.json = format_words, .nr = ARRAY_SIZE(format_words), .nocase = true,
};
static const char *const stream_types[] = { NULL, "p", "c" };
static const struct spec_names stream_type_names = {
	.json = stream_types, .nr = ARRAY_SIZE(stream_types), .nocase = true,
};

static const struct spec_field rate_fields[] = { { .kind = SPEC_UINT } };
static const struct spec_field format_fields[] = { { .kind = SPEC_ENUM, .names = &formats } };
static const struct spec_table rate_table = {
	.what = "sample rate", .size = sizeof(uint32_t), .fields = rate_fields, .nr_fields = 1,
};
static const struct spec_table format_table = {
	.what = "sample format", .size = sizeof(unsigned int), .fields = format_fields,
	.nr_fields = 1,
};

static int add_rate(void *to, char *piece, struct err *err)
{
	uint64_t hz = 0;
	uint32_t *item;
	int rc;

	rc = spec_number("sample rate", piece, UINT32_MAX, &hz, err);
	if (rc < 0)
		return rc;
	item = add_item(to, &rate_table, err);
	if (!item)
		return -err->code;
	*item = (uint32_t)hz;
	return 0;
}

static int add_format(void *to, char *piece, struct err *err)
{
	int format = spec_enum(&formats, piece);
	unsigned int *item;

	if (format < 0)
		return spec_bad_enum("sample format", &formats, piece, err);
	item = add_item(to, &format_table, err);
	if (!item)
		return -err->code;
	*item = (unsigned int)format;
	return 0;
}

static int set_rates(void *obj, const char *value, const struct spec_defaults *d,
		     struct err *err)
{
	(void)d;
	return each_piece(value, &((struct vsnd_params *)obj)->rates, add_rate, err);
}

static int set_formats(void *obj, const char *value, const struct spec_defaults *d,
		       struct err *err)
{
	(void)d;
	return each_piece(value, &((struct vsnd_params *)obj)->formats, add_format, err);
}

static const struct spec_field vsnd_params_fields[] = {
	{ .key = XENSND_FIELD_SAMPLE_RATES, .json = "sample_rates", .kind = SPEC_LIST,
	  .sub = &rate_table, OFF(vsnd_params, rates), .set = set_rates },
	{ .key = XENSND_FIELD_SAMPLE_FORMATS, .json = "sample_formats", .kind = SPEC_LIST,
	  .sub = &format_table, OFF(vsnd_params, formats), .set = set_formats },
	{ .key = XENSND_FIELD_CHANNELS_MIN, .json = "channels_min", .kind = SPEC_UINT,
	  OFF(vsnd_params, channels_min) },
	{ .key = XENSND_FIELD_CHANNELS_MAX, .json = "channels_max", .kind = SPEC_UINT,
	  OFF(vsnd_params, channels_max) },
	{ .key = XENSND_FIELD_BUFFER_SIZE, .json = "buffer_size", .kind = SPEC_UINT,
	  OFF(vsnd_params, buffer_size) },
};

TABLE(params_table, vsnd_params, "vsnd");

static const struct spec_field vsnd_stream_fields[] = {
	{ .key = XENSND_FIELD_STREAM_UNIQUE_ID, .json = "unique_id", .kind = SPEC_STR,
	  OFF(vsnd_stream, unique_id) },
	{ .key = XENSND_FIELD_TYPE, .json = "type", .kind = SPEC_ENUM,
	  .names = &stream_type_names, OFF(vsnd_stream, type) },
	{ .json = "params", .kind = SPEC_STRUCT, .sub = &params_table, OFF(vsnd_stream, params) },
};

TABLE(stream_table, vsnd_stream, "vsnd stream");

static const struct spec_field vsnd_pcm_fields[] = {
	{ .key = XENSND_FIELD_DEVICE_NAME, .json = "name", .kind = SPEC_STR, OFF(vsnd_pcm, name) },
	{ .json = "params", .kind = SPEC_STRUCT, .sub = &params_table, OFF(vsnd_pcm, params) },
	{ .json = "streams", .kind = SPEC_LIST, .sub = &stream_table, OFF(vsnd_pcm, streams) },
};

TABLE(pcm_table, vsnd_pcm, "vsnd pcm");

static const struct spec_field vsnd_fields[] = {
	{ .json = "backend_domid", .kind = SPEC_UINT, OFF(vsnd, backend_domid) },
	{ .key = "backend", .json = "backend_domname", .kind = SPEC_STR,
	  OFF(vsnd, backend_domname) },
	{ .json = "devid", .kind = SPEC_DEVID, OFF(vsnd, devid) },
	{ .key = XENSND_FIELD_VCARD_SHORT_NAME, .json = "short_name", .kind = SPEC_STR,
	  OFF(vsnd, short_name) },
	{ .key = XENSND_FIELD_VCARD_LONG_NAME, .json = "long_name", .kind = SPEC_STR,
	  OFF(vsnd, long_name) },
	{ .json = "params", .kind = SPEC_STRUCT, .sub = &params_table, OFF(vsnd, params) },
	{ .json = "pcms", .kind = SPEC_LIST, .sub = &pcm_table, OFF(vsnd, pcms) },
};

TABLE(vsnd_table, vsnd, "vsnd");

static struct vsnd_pcm *last_pcm(struct vsnd *vsnd)
{
	struct vsnd_pcm *pcms = vsnd->pcms.items;

	return vsnd->pcms.nr ? &pcms[vsnd->pcms.nr - 1] : NULL;
}

/* What "card", "pcm" or "stream" at the head of an item is about; makes the latter two. */
static int open_item(struct vsnd *vsnd, const char *word, const struct spec_table **t,
		     void **obj, struct err *err)
{
	bool stream = !strcasecmp(word, "stream");

	if (!strcasecmp(word, "card")) {
		*t = &vsnd_table;
		*obj = vsnd;
		return 0;
	}
	if (!stream && strcasecmp(word, "pcm"))
		return fail(err, EINVAL, "unknown vsnd item '%.60s', valid are card, pcm, stream",
			    word);
	*t = &pcm_table;
	*obj = stream && vsnd->pcms.nr ? last_pcm(vsnd) : add_item(&vsnd->pcms, *t, err);
	if (*obj && stream) {
		*t = &stream_table;
		*obj = add_item(&((struct vsnd_pcm *)*obj)->streams, *t, err);
	}
	return *obj ? 0 : -err->code;
}

static int take_vsnd_item(struct vsnd *vsnd, const char *text, struct err *err)
{
	size_t len = strcspn(text, ",");
	scoped(free) char *word = strndup(text, len);
	const struct spec_table *t = NULL;
	char *rest = word, *head;
	void *obj;
	int rc;

	if (!word)
		return fail_nomem(err);
	head = spec_next(&rest, ",");
	rc = open_item(vsnd, head ? head : "", &t, &obj, err);
	return rc < 0 ? rc : spec_parse(t, obj, text + len, SPEC_UNKNOWN_FAIL, NULL, err);
}

int vsnd_parse(const char *const *items, unsigned int nr, struct vsnd *out, struct err *err)
{
	scoped(vsnd) struct vsnd vsnd = VSND_INIT;

	for (unsigned int i = 0; i < nr; i++) {
		int rc = spec_check_text("vsnd item", items[i], err);

		if (rc == 0)
			rc = take_vsnd_item(&vsnd, items[i], err);
		if (rc < 0)
			return rc;
	}
	*out = vsnd;
	vsnd = (struct vsnd)VSND_INIT;
	return 0;
}

#define FUNCTIONS(name)									\
	void name##_free(struct name *dev)						\
	{										\
		spec_free(&name##_table, dev);						\
	}										\
	int name##_to_json(const struct name *dev, json_t **out, struct err *err)	\
	{										\
		return spec_to_json(&name##_table, dev, out, err);			\
	}										\
	int name##_from_json(json_t *json, struct name *out, struct err *err)		\
	{										\
		return spec_from_json(&name##_table, json, out, err);			\
	}

FUNCTIONS(vdispl)
FUNCTIONS(vsnd)
