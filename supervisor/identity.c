/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/identity.h"

enum { WAYS = 4, SETS = IDENTITIES_MAX / WAYS, BONDS_MAX = 4 };

struct identity {
	uint64_t address; /* 0: free */
	uint64_t services_hash;
	uint16_t bonds[BONDS_MAX]; /* adapters, one up; 0: none */
};

struct identities {
	struct identity list[SETS][WAYS];
	uint8_t next[SETS];
};

int identities_new(struct identities **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

struct identities *identities_free(struct identities *identities)
{
	free(identities);
	return NULL;
}

static struct identity *need(struct identities *identities, uint64_t address)
{
	size_t set = (size_t)(address * 0x9e3779b97f4a7c15u >> 56);
	struct identity *identity;
	size_t i;

	static_assert(SETS == 256, "eight bits");
	for (i = 0; i < WAYS; i++)
		if (identities->list[set][i].address == address)
			return &identities->list[set][i];
	identity = &identities->list[set][identities->next[set]++ % WAYS];
	*identity = (struct identity){ .address = address };
	return identity;
}

static unsigned note_services(struct identity *identity, uint64_t hash)
{
	bool is_other =
		identity->services_hash != 0 && hash != 0 && identity->services_hash != hash;

	if (hash != 0)
		identity->services_hash = hash;
	return is_other ? IDENTITY_SERVICES : 0;
}

static unsigned note_bond(struct identity *identity, const struct identity_seen *seen)
{
	uint16_t mark = (uint16_t)(seen->adapter + 1);
	size_t room = BONDS_MAX - 1;
	size_t i;

	for (i = BONDS_MAX; i > 0; i--) {
		if (identity->bonds[i - 1] == mark) {
			identity->bonds[i - 1] = seen->is_bonded ? mark : 0;
			return seen->is_bonded ? 0 : IDENTITY_BOND;
		}
		if (identity->bonds[i - 1] == 0)
			room = i - 1;
	}
	if (seen->is_bonded)
		identity->bonds[room] = mark;
	return 0;
}

unsigned identities_note(struct identities *identities, const struct identity_seen *seen)
{
	struct identity *identity = need(identities, seen->address);
	unsigned changes = note_services(identity, seen->services_hash);

	if (seen->has_bond)
		changes |= note_bond(identity, seen);
	return changes;
}
