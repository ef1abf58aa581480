/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "blk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "bytes.h"

enum {
	CACHE_BLOCK = 4096, CACHE_SLOTS = 512,
	CACHE_LARGEST = 32768,	/* longer reads go to the disk as they are */
};

struct blk_fd {
	struct blk blk;
	int fd;
	uint64_t tag[CACHE_SLOTS];	/* number of the block held, plus one; 0 none */
	uint8_t *data;
};

struct blk_memory {
	struct blk blk;
	const uint8_t *data;
};

struct blk_slice {
	struct blk blk;
	struct blk *below;
	uint64_t start;
};

static int over_budget(struct err *err)
{
	return fail(err, ETIME, "the disk's structures take too much work to read: given up");
}

int blk_step(struct blk *blk, struct err *err)
{
	if (!blk->budget)
		return 0;
	if (!blk->budget->steps)
		return over_budget(err);
	blk->budget->steps--;
	return 0;
}

int blk_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	if (!inside(offset, len, blk->size))
		return fail(err, ENODATA, "%zu bytes at %" PRIu64 " lie beyond the end (%" PRIu64
			    " bytes)", len, offset, blk->size);
	return len ? blk->ops->read(blk, offset, buf, len, err) : 0;
}

/* At the bottom only: each byte counts once. */
static int spend(struct blk *blk, size_t len, struct err *err)
{
	if (!blk->budget)
		return 0;
	if (len > blk->budget->bytes)
		return over_budget(err);
	blk->budget->bytes -= len;
	return blk_step(blk, err);
}

static void *blk_new(size_t size, const struct blk_ops *ops, uint64_t bytes, uint32_t sector,
		     struct budget *budget)
{
	struct blk *blk = calloc(1, size);

	if (blk) {
		blk->ops = ops;
		blk->size = bytes;
		blk->sector = sector;
		blk->budget = budget;
	}
	return blk;
}

static int pread_all(int fd, uint64_t offset, void *buf, size_t len, struct err *err)
{
	for (uint8_t *p = buf; len;) {
		ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_sys(err, errno, "cannot read the disk at %" PRIu64, offset);
		if (n == 0)
			return fail(err, EIO, "the disk ends at %" PRIu64, offset);
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int cached(struct blk_fd *f, uint64_t nr, const uint8_t **data, struct err *err)
{
	size_t slot = nr % CACHE_SLOTS;
	uint64_t at = nr * CACHE_BLOCK;
	size_t len = f->blk.size - at < CACHE_BLOCK ? (size_t)(f->blk.size - at) : CACHE_BLOCK;
	int rc;

	*data = f->data + slot * CACHE_BLOCK;
	if (f->tag[slot] == nr + 1)
		return 0;
	f->tag[slot] = 0;
	rc = pread_all(f->fd, at, f->data + slot * CACHE_BLOCK, len, err);
	if (rc == 0)
		f->tag[slot] = nr + 1;
	return rc;
}

static int fd_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	struct blk_fd *f = (struct blk_fd *)blk;
	uint8_t *to = buf;
	int rc = spend(blk, len, err);

	if (rc < 0)
		return rc;
	if (len > CACHE_LARGEST)
		return pread_all(f->fd, offset, buf, len, err);
	while (len) {
		size_t skip = offset % CACHE_BLOCK;
		size_t part = len < CACHE_BLOCK - skip ? len : CACHE_BLOCK - skip;
		const uint8_t *data;

		rc = cached(f, offset / CACHE_BLOCK, &data, err);
		if (rc < 0)
			return rc;
		memcpy(to, data + skip, part);
		to += part;
		offset += part;
		len -= part;
	}
	return 0;
}

static void fd_close(struct blk *blk)
{
	free(((struct blk_fd *)blk)->data);
	free(blk);
}

int blk_open_fd(int fd, uint64_t size, uint32_t sector, struct budget *budget, struct blk **out,
		struct err *err)
{
	static const struct blk_ops ops = { fd_read, fd_close };
	struct blk_fd *f;

	if (!size) {
		off_t end = lseek(fd, 0, SEEK_END);

		if (end < 0)
			return fail_sys(err, errno, "cannot tell the size of the disk");
		size = (uint64_t)end;
	}
	f = blk_new(sizeof(*f), &ops, size, sector, budget);
	if (!f)
		return fail_nomem(err);
	f->fd = fd;
	f->data = malloc((size_t)CACHE_BLOCK * CACHE_SLOTS);
	if (!f->data) {
		free(f);
		return fail_nomem(err);
	}
	*out = &f->blk;
	return 0;
}

static int memory_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	int rc = spend(blk, len, err);

	if (rc == 0)
		memcpy(buf, ((struct blk_memory *)blk)->data + offset, len);
	return rc;
}

static void plain_close(struct blk *blk)
{
	free(blk);
}

int blk_open_memory(const void *data, size_t len, struct budget *budget, struct blk **out,
		    struct err *err)
{
	static const struct blk_ops ops = { memory_read, plain_close };
	struct blk_memory *m = blk_new(sizeof(*m), &ops, len, 0, budget);

	if (!m)
		return fail_nomem(err);
	m->data = data;
	*out = &m->blk;
	return 0;
}

static int slice_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	struct blk_slice *s = (struct blk_slice *)blk;

	return blk_read(s->below, s->start + offset, buf, len, err);
}

int blk_open_slice(struct blk *below, uint64_t start, uint64_t size, struct blk **out,
		   struct err *err)
{
	static const struct blk_ops ops = { slice_read, plain_close };
	struct blk_slice *s;

	if (!inside(start, size, below->size))
		return fail(err, ENODATA, "it ends at %" PRIu64 "+%" PRIu64 ", after the end of the "
			    "disk (%" PRIu64 " bytes)", start, size, below->size);
	s = blk_new(sizeof(*s), &ops, size, below->sector, below->budget);
	if (!s)
		return fail_nomem(err);
	s->below = below;
	s->start = start;
	*out = &s->blk;
	return 0;
}

void blk_close(struct blk *blk)
{
	int saved = errno;

	if (blk)
		blk->ops->close(blk);
	errno = saved;
}
