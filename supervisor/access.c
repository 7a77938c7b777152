/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/access.h"

#include <stdio.h>
#include <string.h>

enum {
	/* Of the group bleherd: what disturbs others is for administrators. */
	GROUP_RIGHTS = RIGHTS_ALL & ~(RIGHT_RESET | RIGHT_CONFIGURE),
	/* Of whoever else the socket's mode lets in. */
	OTHER_RIGHTS = RIGHT_SEE,
};

bool access_is_privileged(const struct access_world *world, const struct access_peer *peer)
{
	return peer->uid == 0 || peer->uid == world->own_uid;
}

static bool is_in_group(const struct access_peer *peer, uint32_t group)
{
	size_t i;

	if (peer->gid == group)
		return true;
	for (i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == group)
			return true;
	return false;
}

static bool is_member(const struct access_world *world, const struct access_peer *peer)
{
	return world->has_group && is_in_group(peer, world->group);
}

static uint32_t default_rights(const struct access_world *world, const struct access_peer *peer)
{
	if (access_is_privileged(world, peer))
		return RIGHTS_ALL;
	return is_member(world, peer) ? GROUP_RIGHTS : OTHER_RIGHTS;
}

static bool names_peer(const struct access_rule *rule, const struct access_peer *peer)
{
	size_t i;

	if (rule->is_everybody)
		return true;
	for (i = 0; i < rule->n_users; i++)
		if (rule->users[i] == peer->uid)
			return true;
	for (i = 0; i < rule->n_groups; i++)
		if (is_in_group(peer, rule->groups[i]))
			return true;
	return false;
}

static bool names_all_devices(const struct access_rule *rule)
{
	size_t i;

	for (i = 0; i < rule->n_devices; i++)
		if (rule->devices[i].kind == PATTERN_ANY)
			return true;
	return rule->n_devices == 0;
}

static bool names_device(const struct access_rule *rule, const struct pattern_device *device)
{
	size_t i;

	for (i = 0; i < rule->n_devices; i++)
		if (pattern_fits(&rule->devices[i], device))
			return true;
	return rule->n_devices == 0;
}

/* Behind a rule for all devices no other is reached. */
static void any_of(const struct access_rules *rules, const struct access_world *world,
		   const struct access_peer *peer, struct access_verdict *out)
{
	const struct access_rule *rule;
	size_t i;

	*out = (struct access_verdict){ .rights = RIGHTS_NONE };
	for (i = 0; i < rules->n; i++) {
		rule = &rules->list[i];
		if (!names_peer(rule, peer))
			continue;
		if (!out->rule)
			out->rule = rule;
		out->rights |= rule->allow;
		if (names_all_devices(rule))
			return;
	}
	out->rights |= default_rights(world, peer);
}

void access_of(const struct access_rules *rules, const struct access_world *world,
	       const struct access_peer *peer, const struct pattern_device *device,
	       struct access_verdict *out)
{
	const struct access_rule *rule;
	size_t i;

	if (!device) {
		any_of(rules, world, peer, out);
		return;
	}
	for (i = 0; i < rules->n; i++) {
		rule = &rules->list[i];
		if (!names_peer(rule, peer) || !names_device(rule, device))
			continue;
		*out = (struct access_verdict){ .rights = rule->allow, .rule = rule };
		return;
	}
	*out = (struct access_verdict){ .rights = default_rights(world, peer) };
}

bool access_sees_all(const struct access_rules *rules, const struct access_world *world,
		     const struct access_peer *peer)
{
	const struct access_rule *rule;
	size_t i;

	for (i = 0; i < rules->n; i++) {
		rule = &rules->list[i];
		if (!names_peer(rule, peer))
			continue;
		if (!(rule->allow & RIGHT_SEE))
			return false;
		if (names_all_devices(rule))
			return true;
	}
	return default_rights(world, peer) & RIGHT_SEE;
}

size_t access_sights(const struct access_rules *rules, const struct access_world *world,
		     const struct access_peer *peer, struct access_sight out[ACCESS_SIGHTS_MAX])
{
	const struct access_rule *rule;
	size_t n = 0;
	size_t i;
	size_t k;

	for (i = 0; i < rules->n; i++) {
		rule = &rules->list[i];
		if (!names_peer(rule, peer))
			continue;
		if (n + rule->n_devices >= ACCESS_SIGHTS_MAX)
			return n;
		for (k = 0; k < rule->n_devices; k++)
			out[n++] =
				(struct access_sight){ rule->devices[k], rule->allow & RIGHT_SEE };
		if (!names_all_devices(rule))
			continue;
		out[n++] = (struct access_sight){ .is_seen = rule->allow & RIGHT_SEE };
		return n;
	}
	if (n < ACCESS_SIGHTS_MAX)
		out[n++] = (struct access_sight){
			.is_seen = default_rights(world, peer) & RIGHT_SEE,
		};
	return n;
}

struct access_quota access_quota(const struct access_rules *rules, const struct access_peer *peer)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (names_peer(&rules->list[i], peer))
			return rules->list[i].quota;
	return (struct access_quota){ 0 };
}

void access_why(const struct access_world *world, const struct access_peer *peer,
		const struct access_verdict *verdict, char out_text[ACCESS_WHY_LEN])
{
	char allowed[RIGHTS_TEXT_LEN];

	rights_format(verdict->rights, allowed);
	if (verdict->rule)
		(void)snprintf(out_text, ACCESS_WHY_LEN, "[access %s] allows %s",
			       verdict->rule->name, allowed);
	else
		(void)snprintf(out_text, ACCESS_WHY_LEN, "no [access] section names it%s: %s",
			       is_member(world, peer) ? ", and group bleherd has"
						      : "; it is not in group bleherd and has",
			       allowed);
}

bool access_has_patterns(const struct access_rules *rules)
{
	size_t i;
	size_t k;

	for (i = 0; i < rules->n; i++)
		for (k = 0; k < rules->list[i].n_devices; k++)
			if (rules->list[i].devices[k].kind == PATTERN_NAME ||
			    rules->list[i].devices[k].kind == PATTERN_SERVICE)
				return true;
	return false;
}
