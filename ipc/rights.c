/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/rights.h"

#include <stdio.h>
#include <string.h>

#include "ipc/addr.h"

/* In the order of the bits. */
static const char *const NAMES[RIGHTS_COUNT] = {
	"see", "read", "write", "notify", "lock", "reset", "configure",
};

static const char ALL[] = "all";
static const char NONE[] = "none";
static const char BETWEEN[] = ", \t";

static unsigned lowest(uint32_t rights)
{
	unsigned bit = 0;

	while (bit < RIGHTS_COUNT - 1 && !(rights >> bit & 1))
		bit++;
	return bit;
}

const char *rights_name(uint32_t rights)
{
	return NAMES[lowest(rights)];
}

void rights_format(uint32_t rights, char out_text[RIGHTS_TEXT_LEN])
{
	size_t len = 0;
	unsigned bit;

	if ((rights & RIGHTS_ALL) == 0 || (rights & RIGHTS_ALL) == RIGHTS_ALL) {
		(void)snprintf(out_text, RIGHTS_TEXT_LEN, "%s", rights ? ALL : "nothing");
		return;
	}
	for (bit = 0; bit < RIGHTS_COUNT; bit++) {
		if (!(rights >> bit & 1))
			continue;
		(void)snprintf(out_text + len, RIGHTS_TEXT_LEN - len, "%s%s", len > 0 ? ", " : "",
			       NAMES[bit]);
		len = strlen(out_text);
	}
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncmp(text, word, len) == 0;
}

static uint32_t parse_word(const char *text, size_t len)
{
	unsigned bit;

	if (is_word(text, len, ALL))
		return RIGHTS_ALL;
	for (bit = 0; bit < RIGHTS_COUNT; bit++)
		if (is_word(text, len, NAMES[bit]))
			return 1u << bit;
	return RIGHTS_NONE;
}

int rights_parse(const char *text, uint32_t *out)
{
	uint32_t rights = RIGHTS_NONE;
	uint32_t right;
	size_t len;

	if (strcmp(text, NONE) == 0) {
		*out = RIGHTS_NONE;
		return 0;
	}
	for (text += strspn(text, BETWEEN); *text; text += len + strspn(text + len, BETWEEN)) {
		len = strcspn(text, BETWEEN);
		right = parse_word(text, len);
		if (right == RIGHTS_NONE)
			return -EINVAL;
		rights |= right;
	}
	if (rights == RIGHTS_NONE)
		return -EINVAL;
	*out = rights;
	return 0;
}

void rights_denial(uint32_t uid, uint32_t needs, uint64_t address, const char *why,
		   char out_text[RIGHTS_DENIAL_LEN])
{
	char names[RIGHTS_TEXT_LEN];
	char on[ADDR_TEXT_LEN + 8] = "";
	bool is_one = (needs & (needs - 1)) == 0;

	rights_format(needs, names);
	if (address != 0) {
		(void)snprintf(on, sizeof(on), " on ");
		addr_format(address, on + strlen(on));
	}
	(void)snprintf(out_text, RIGHTS_DENIAL_LEN, "uid %u has %s %s%s: %s", uid,
		       is_one ? "no right to" : "none of the rights to", names, on, why);
}
