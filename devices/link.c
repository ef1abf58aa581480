/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link.h"

void links_close(struct links *links)
{
	(void)links;
}
