/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pcihost.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"

#define DEVICES "/sys/bus/pci/devices"
#define PCIBACK "/sys/bus/pci/drivers/pciback"

/* linux/ioport.h: flags of sysfs's "resource" */
#define IORESOURCE_IO 0x100u

/* BARs 0 to 5 and the ROM; behind them are a bridge's windows */
#define BARS 7

enum { PATH_LEN = 128 };

const char *pci_bdf_text(const struct pci_bdf *bdf, char buf[PCI_BDF_LEN])
{
	snprintf(buf, PCI_BDF_LEN, "%04x:%02x:%02x.%x", bdf->domain & 0xffff, bdf->bus & 0xff,
		 bdf->dev & 0x1f, bdf->func & 7);
	return buf;
}

bool pci_bdf_parse(const char *text, struct pci_bdf *bdf)
{
	struct pci_bdf read;
	char again[PCI_BDF_LEN];

	if (sscanf(text, "%4x:%2x:%2x.%1x", &read.domain, &read.bus, &read.dev, &read.func) != 4 ||
	    strcmp(pci_bdf_text(&read, again), text) != 0)
		return false;
	*bdf = read;
	return true;
}

uint32_t pci_bdf_number(const struct pci_bdf *bdf)
{
	return bdf->domain << 16 | bdf->bus << 8 | bdf->dev << 3 | bdf->func;
}

bool pci_bdf_equal(const struct pci_bdf *a, const struct pci_bdf *b)
{
	return pci_bdf_number(a) == pci_bdf_number(b);
}

static const char *device_path(const struct pci_bdf *bdf, const char *name, char path[PATH_LEN])
{
	char text[PCI_BDF_LEN];

	snprintf(path, PATH_LEN, DEVICES "/%s/%s", pci_bdf_text(bdf, text), name);
	return path;
}

/* The lock of its own folder: nothing to make, nothing that stays. */
int pcihost_claim(const struct pci_bdf *bdf, int *claim, struct err *err)
{
	char path[PATH_LEN], text[PCI_BDF_LEN];
	scoped(fd) int fd = -1;

	pci_bdf_text(bdf, text);
	fd = open(device_path(bdf, "", path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_sys(err, errno, "PCI device %s", text);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ?
			fail(err, EBUSY, "PCI device %s is just being given to a guest, or taken "
			     "from xen-pciback", text) :
			fail_sys(err, errno, "cannot lock '%s'", path);
	*claim = take_fd(fd);
	return 0;
}

static int check_pciback(struct err *err)
{
	if (access(PCIBACK, F_OK) == 0)
		return 0;
	return fail(err, ENOENT, "xen-pciback, which has to hold it, is not loaded "
		    "(modprobe xen-pciback)");
}

int pcihost_check(const struct pci_bdf *bdf, struct err *err)
{
	char path[PATH_LEN], text[PCI_BDF_LEN], class[16];
	int rc = file_read_line(device_path(bdf, "class", path), class, sizeof(class));

	pci_bdf_text(bdf, text);
	if (rc == -ENOENT)
		return fail(err, ENOENT, "PCI device %s: there is none of that address", text);
	if (rc < 0)
		return fail_sys(err, -rc, "PCI device %s: cannot read '%s'", text, path);
	/* PCI code and ID assignment specification: 0600 host bridge, 0604 PCI bridge. */
	if (str_starts(class, "0x0600") || str_starts(class, "0x0604"))
		return fail(err, EINVAL, "PCI device %s is a bridge: what is behind it can be "
			    "passed through, but not itself", text);
	rc = check_pciback(err);
	return rc < 0 ? fail_in(err, "PCI device %s", text) : 0;
}

unsigned int pcihost_functions(const struct pci_bdf *bdf)
{
	unsigned int mask = 0;

	for (uint32_t func = 0; func < PCI_FUNCTIONS; func++) {
		struct pci_bdf one = { bdf->domain, bdf->bus, bdf->dev, func };
		char path[PATH_LEN];

		if (access(device_path(&one, "class", path), F_OK) == 0)
			mask |= 1U << func;
	}
	return mask;
}

bool pcihost_is_bound(const struct pci_bdf *bdf)
{
	char path[PATH_LEN], text[PCI_BDF_LEN];

	snprintf(path, sizeof(path), PCIBACK "/%s", pci_bdf_text(bdf, text));
	return access(path, F_OK) == 0;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = pci_bdf_number(a), y = pci_bdf_number(b);

	return x < y ? -1 : x > y;
}

int pcihost_bound(struct pci_bdf **list, size_t *nr, struct err *err)
{
	scoped(free) struct pci_bdf *all = NULL;
	struct dirent *entry;
	size_t count = 0;
	DIR *dir = opendir(PCIBACK);

	if (!dir)
		return fail(err, ENOENT, "xen-pciback is not loaded (modprobe xen-pciback)");
	while ((entry = readdir(dir)) != NULL) {
		struct pci_bdf bdf, *grown;

		if (!pci_bdf_parse(entry->d_name, &bdf))
			continue;
		grown = realloc(all, (count + 1) * sizeof(*all));
		if (!grown) {
			closedir(dir);
			return fail_nomem(err);
		}
		all = grown;
		all[count++] = bdf;
	}
	closedir(dir);
	if (count)
		qsort(all, count, sizeof(*all), compare);
	*list = take(all);
	*nr = count;
	return 0;
}

/* -errno without a message. */
static int write_text(const char *path, const char *text)
{
	scoped(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	return n < 0 ? -errno : 0;
}

static int tell(const char *dir, const char *file, const struct pci_bdf *bdf, const char *what,
		struct err *err)
{
	char path[PATH_MAX], text[PCI_BDF_LEN];
	int rc;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	rc = write_text(path, pci_bdf_text(bdf, text));
	return rc < 0 ? fail_sys(err, -rc, "cannot %s ('%s')", what, path) : 0;
}

/* Its driver's folder; NULL when it has none. */
static int find_driver(const struct pci_bdf *bdf, char **driver, struct err *err)
{
	char path[PATH_LEN];

	*driver = realpath(device_path(bdf, "driver", path), NULL);
	if (!*driver && errno != ENOENT)
		return fail_sys(err, errno, "cannot tell its driver");
	return 0;
}

/* A second slot of a device would stay when the first is taken out. */
static bool has_slot(const struct pci_bdf *bdf)
{
	scoped(file) FILE *file = fopen(PCIBACK "/slots", "re");
	char line[64], text[PCI_BDF_LEN];

	pci_bdf_text(bdf, text);
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, text) == 0)
			return true;
	}
	return false;
}

int pcihost_bind(const struct pci_bdf *bdf, char **driver, struct err *err)
{
	scoped(free) char *had = NULL;
	struct err ignored;	/* the failure that brought us here is told */
	int rc = find_driver(bdf, &had, err);

	if (rc == 0 && had)
		rc = tell(had, "unbind", bdf, "take it from its driver", err);
	if (rc < 0)
		return rc;
	if (!has_slot(bdf))
		rc = tell(PCIBACK, "new_slot", bdf, "tell xen-pciback of it", err);
	if (rc == 0)
		rc = tell(PCIBACK, "bind", bdf, "give it to xen-pciback", err);
	if (rc == 0)
		*driver = take(had);
	if (rc == 0)
		return 0;
	if (pcihost_unbind(bdf, &ignored) < 0)
		log_warn("%s", ignored.msg);
	if (had && pcihost_give(bdf, had, &ignored) < 0)
		log_warn("%s", ignored.msg);
	return rc;
}

int pcihost_unbind(const struct pci_bdf *bdf, struct err *err)
{
	int rc = 0;

	if (pcihost_is_bound(bdf))
		rc = tell(PCIBACK, "unbind", bdf, "take it from xen-pciback", err);
	if (rc == 0 && has_slot(bdf))
		rc = tell(PCIBACK, "remove_slot", bdf, "make xen-pciback forget it", err);
	return rc;
}

int pcihost_give(const struct pci_bdf *bdf, const char *driver, struct err *err)
{
	return tell(driver, "bind", bdf, "give it back to its driver", err);
}

/* Some kernels' xen-pciback has a reset of its own; the kernel's is the other way. */
void pcihost_reset(const struct pci_bdf *bdf)
{
	char path[PATH_LEN], text[PCI_BDF_LEN];
	int rc = write_text(PCIBACK "/do_flr", pci_bdf_text(bdf, text));

	if (rc == -ENOENT)
		rc = write_text(device_path(bdf, "reset", path), "1");
	if (rc == -ENOENT)
		log_info("PCI device %s has no reset", text);
	else if (rc < 0)
		log_warn("PCI device %s cannot be reset: %s", text, strerror(-rc));
}

int pcihost_permit(const struct pci_bdf *bdf, struct err *err)
{
	return tell(PCIBACK, "permissive", bdf, "make it permissive", err);
}

void pcihost_parse_resources(const char *text, struct pci_resources *out)
{
	const char *line = text;

	out->nr = 0;
	for (int i = 0; i < BARS && line; i++) {
		struct pci_range *range = &out->ranges[out->nr];
		uint64_t start, end, flags;

		if (sscanf(line, "0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64, &start, &end,
			   &flags) == 3 && start && end >= start) {
			*range = (struct pci_range){ start, end - start + 1,
						     flags & IORESOURCE_IO };
			out->nr++;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
}

int pcihost_resources(const struct pci_bdf *bdf, struct pci_resources *out, struct err *err)
{
	char path[PATH_LEN], text[4096], irq[16];
	scoped(fd) int fd = open(device_path(bdf, "resource", path), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	uint64_t number = 0;

	if (n < 0)
		return fail_sys(err, errno, "cannot read '%s'", path);
	text[n] = '\0';
	pcihost_parse_resources(text, out);
	if (file_read_line(device_path(bdf, "irq", path), irq, sizeof(irq)) < 0 ||
	    str_to_u64(irq, UINT32_MAX, &number) < 0)
		number = 0;
	out->irq = (uint32_t)number;
	return 0;
}
