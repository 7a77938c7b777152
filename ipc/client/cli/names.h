/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* cli/names.h - what people call the common 16-bit UUIDs of services and characteristics. Pure. */
#include "ipc/bleherd.h"

/* "Battery Level"; NULL if it has no name here. */
const char *names_of_uuid(const struct bh_uuid *uuid);

/* "2a19", or the full form where there is no short one. */
void names_short_uuid(const struct bh_uuid *uuid, char out_text[37]);
