/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/access_set.c - reads sections [access NAME]; access.h. */
#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/access.h"
#include "supervisor/nearest.h"

enum { NUMBER_MAX = 1000000, WORD_LEN = 64, DB_MIN = 1024, DB_MAX = 1 << 20 };

static const char BETWEEN[] = ", \t";
static const char GROUP[] = "bleherd";

enum key_kind { KEY_USER, KEY_GROUP, KEY_DEVICES, KEY_ALLOW, KEY_NUMBER };

struct access_key {
	const char *name;
	enum key_kind kind;
	size_t offset; /* KEY_NUMBER */
};

#define QUOTA(n)                                                                                   \
	{                                                                                          \
#n, KEY_NUMBER, offsetof(struct access_rule, quota.n)                              \
	}

/* Those of enum key_kind in its order: `given` has their bits. */
static const struct access_key KEYS[] = {
	{ "user", KEY_USER, 0 },
	{ "group", KEY_GROUP, 0 },
	{ "devices", KEY_DEVICES, 0 },
	{ "allow", KEY_ALLOW, 0 },
	QUOTA(sessions),
	QUOTA(requests_per_s),
	QUOTA(queue),
	QUOTA(memory_kib),
};

const char *access_key(size_t i)
{
	return i < ARRAY_LEN(KEYS) ? KEYS[i].name : NULL;
}

static int _printf_(2, 3) fail(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error, ACCESS_ERROR_LEN, format, args);
	va_end(args);
	return -EINVAL;
}

static bool parse_number(const char *text, uint32_t *out)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 10)
		return false;
	value = strtoul(text, &end, 10);
	if (*end != '\0' || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

/* --- users and groups --- */

/* Outcomes: 0; ERANGE the buffer is too small; else there is none. */
static int ask_user(const char *name, char *buffer, size_t size, uint32_t *out)
{
	struct passwd entry;
	struct passwd *found = NULL;
	int r = getpwnam_r(name, &entry, buffer, size, &found);

	if (r == 0 && found)
		*out = entry.pw_uid;
	return r != 0 ? r : found ? 0 : ENOENT;
}

static int ask_group(const char *name, char *buffer, size_t size, uint32_t *out)
{
	struct group entry;
	struct group *found = NULL;
	int r = getgrnam_r(name, &entry, buffer, size, &found);

	if (r == 0 && found)
		*out = entry.gr_gid;
	return r != 0 ? r : found ? 0 : ENOENT;
}

static bool look_up(const char *name, bool is_group, uint32_t *out)
{
	int r = ERANGE;
	size_t size;

	for (size = DB_MIN; r == ERANGE && size <= DB_MAX; size *= 2) {
		_cleanup_free_ char *buffer = malloc(size);

		if (!buffer)
			return false;
		r = is_group ? ask_group(name, buffer, size, out)
			     : ask_user(name, buffer, size, out);
	}
	return r == 0;
}

void access_world(struct access_world *out)
{
	*out = (struct access_world){ .own_uid = geteuid() };
	out->has_group = look_up(GROUP, true, &out->group);
}

static int add_who(struct access_rule *rule, const char *word, bool is_group, char *error)
{
	size_t *n = is_group ? &rule->n_groups : &rule->n_users;
	uint32_t *list = is_group ? rule->groups : rule->users;
	const char *what = is_group ? "group" : "user";

	if (!is_group && strcmp(word, "*") == 0) {
		rule->is_everybody = true;
		return 0;
	}
	if (*n == ACCESS_WHO_MAX)
		return fail(error, "%s has more than %d names; use a group, or another section",
			    what, ACCESS_WHO_MAX);
	if (!parse_number(word, &list[*n]) && !look_up(word, is_group, &list[*n]))
		return fail(error, "%s = %s is not known on this machine; getent %s lists them",
			    what, word, is_group ? "group" : "passwd");
	(*n)++;
	return 0;
}

/* --- values --- */

static int add_device(struct access_rule *rule, const char *word, char *error)
{
	if (rule->n_devices == ACCESS_DEVICES_MAX)
		return fail(error, "devices has more than %d; use patterns, or another section",
			    ACCESS_DEVICES_MAX);
	if (pattern_parse(word, &rule->devices[rule->n_devices]) < 0)
		return fail(error,
			    "devices = %s names no device; C0:AA:BB:00:00:01, name:PATTERN, "
			    "service:UUID or *",
			    word);
	rule->n_devices++;
	return 0;
}

static int add_word(struct access_rule *rule, enum key_kind kind, const char *word, char *error)
{
	if (kind == KEY_DEVICES)
		return add_device(rule, word, error);
	return add_who(rule, word, kind == KEY_GROUP, error);
}

static void forget_words(struct access_rule *rule, enum key_kind kind)
{
	if (kind == KEY_DEVICES) {
		rule->n_devices = 0;
	} else if (kind == KEY_GROUP) {
		rule->n_groups = 0;
	} else {
		rule->n_users = 0;
		rule->is_everybody = false;
	}
}

/* Blanks are part of devices' names: these have commas between them only. */
static int set_words(struct access_rule *rule, enum key_kind kind, const char *value, char *error)
{
	const char *stop = kind == KEY_DEVICES ? "," : BETWEEN;
	char word[WORD_LEN];
	size_t n = 0;
	size_t len;
	int r;

	/* Another file may have had others. */
	forget_words(rule, kind);
	for (value += strspn(value, BETWEEN); *value; value += strspn(value, BETWEEN)) {
		const char *begin = value;

		len = strcspn(value, stop);
		value += len;
		while (len > 0 && (begin[len - 1] == ' ' || begin[len - 1] == '\t'))
			len--;
		if (len >= sizeof(word))
			return fail(error, "%.40s... is too long", begin);
		(void)snprintf(word, sizeof(word), "%.*s", (int)len, begin);
		r = add_word(rule, kind, word, error);
		if (r < 0)
			return r;
		n++;
	}
	return n > 0 ? 0 : fail(error, "the value is empty; give one or delete the line");
}

static int set_value(struct access_rule *rule, const struct access_key *key, const char *value,
		     char *error)
{
	uint32_t number;

	switch (key->kind) {
	case KEY_USER:
	case KEY_GROUP:
	case KEY_DEVICES:
		return set_words(rule, key->kind, value, error);
	case KEY_ALLOW:
		if (rights_parse(value, &rule->allow) == 0)
			return 0;
		return fail(error,
			    "allow = %.30s is not known; some of see, read, write, notify, lock, "
			    "reset, configure, or all, or none",
			    value);
	case KEY_NUMBER:
		if (!parse_number(value, &number) || number > NUMBER_MAX)
			return fail(error, "%s = %.40s is out of range; a number from 0 to %d",
				    key->name, value, NUMBER_MAX);
		memcpy((char *)rule + key->offset, &number, sizeof(number));
		return 0;
	}
	return -EINVAL;
}

/* NULL: it cannot be, see @error. */
static struct access_rule *need_rule(struct access_rules *rules, const char *name, char *error)
{
	struct access_rule *rule;
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (strcmp(rules->list[i].name, name) == 0)
			return &rules->list[i];
	if (name[0] == '\0' || strlen(name) >= ACCESS_NAME_LEN) {
		(void)fail(error,
			   "[access %.40s] has no usable name; [access NAME], at most %d bytes",
			   name, ACCESS_NAME_LEN - 1);
		return NULL;
	}
	if (rules->n == ACCESS_RULES_MAX) {
		(void)fail(error, "more than %d sections [access]; use groups", ACCESS_RULES_MAX);
		return NULL;
	}
	rule = &rules->list[rules->n++];
	*rule = (struct access_rule){ .name = "" };
	memcpy(rule->name, name, strlen(name) + 1);
	return rule;
}

int access_set(struct access_rules *rules, const char *section, const char *key, const char *value,
	       char out_error[ACCESS_ERROR_LEN])
{
	struct access_rule *rule = need_rule(rules, section, out_error);
	size_t at = nearest_index(key, &KEYS[0].name, ARRAY_LEN(KEYS), sizeof(KEYS[0]));

	if (!rule)
		return -EINVAL;
	if (strcmp(KEYS[at].name, key) != 0)
		return fail(out_error, "key %.40s is not known in [access]; the nearest is %s", key,
			    KEYS[at].name);
	if (rule->given >> at & 1)
		return fail(out_error, "%s is given twice; keep one", key);
	rule->given |= 1u << at;
	rule->had |= 1u << at;
	rule->mark = rules->mark;
	return set_value(rule, &KEYS[at], value, out_error);
}

void access_next_file(struct access_rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		rules->list[i].given = 0;
}

int access_check(const struct access_rules *rules, uint32_t *out_mark,
		 char out_error[ACCESS_ERROR_LEN])
{
	const struct access_rule *rule;
	size_t i;

	for (i = 0; i < rules->n; i++) {
		rule = &rules->list[i];
		*out_mark = rule->mark;
		if (!rule->is_everybody && rule->n_users == 0 && rule->n_groups == 0)
			return fail(out_error,
				    "[access %s] names nobody; user = NAME, group = NAME, or "
				    "user = * for everybody",
				    rule->name);
		if (!(rule->had >> KEY_ALLOW & 1))
			return fail(out_error,
				    "[access %s] does not say what it allows; allow = see, read "
				    "for example, or allow = none",
				    rule->name);
	}
	return 0;
}

static bool is_same(const struct access_rule *a, const struct access_rule *b)
{
	size_t i;

	for (i = 0; i < a->n_devices && i < b->n_devices; i++)
		if (!pattern_equal(&a->devices[i], &b->devices[i]))
			return false;
	return strcmp(a->name, b->name) == 0 && a->is_everybody == b->is_everybody &&
	       a->n_users == b->n_users && a->n_groups == b->n_groups &&
	       a->n_devices == b->n_devices && a->allow == b->allow &&
	       memcmp(a->users, b->users, a->n_users * sizeof(a->users[0])) == 0 &&
	       memcmp(a->groups, b->groups, a->n_groups * sizeof(a->groups[0])) == 0 &&
	       memcmp(&a->quota, &b->quota, sizeof(a->quota)) == 0;
}

bool access_equal(const struct access_rules *a, const struct access_rules *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (!is_same(&a->list[i], &b->list[i]))
			return false;
	return true;
}
