/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/plan_rule.c - a fault line of a plan:
 *
 *   [at TIME | every TIME | chance P% on CALL [WHO] | nth N on CALL [WHO]]
 *   [while [not] CONDITION] [for TIME] COMMAND ARGS
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/plan_line.h"

#define INDEX_DIGITS_MAX 5

static const char *peek(const struct plan_line *line)
{
	return line->at < line->count ? line->words[line->at] : "";
}

static const char *take(struct plan_line *line)
{
	return line->at < line->count ? line->words[line->at++] : "";
}

static bool take_word(struct plan_line *line, const char *word)
{
	if (strcmp(peek(line), word) != 0)
		return false;
	line->at++;
	return true;
}

static bool is_number(const char *text)
{
	const size_t len = strspn(text, "0123456789");

	return len > 0 && len <= INDEX_DIGITS_MAX && !text[len];
}

/* One of the sim's own addresses. */
static bool parse_address(const char *text, struct plan_target *out)
{
	unsigned bytes[6], high;
	int len = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
		   &bytes[4], &bytes[5], &len) != 6 ||
	    len != 17 || text[len])
		return false;
	high = bytes[0] << 16 | bytes[1] << 8 | bytes[2];
	if (high != PLAN_ADDRESS_HIGH && high != PLAN_ADAPTER_HIGH)
		return false;
	out->sort = high == PLAN_ADDRESS_HIGH ? PLAN_DEVICE : PLAN_ADAPTER;
	out->pick = PLAN_GIVEN;
	out->index = bytes[3] << 16 | bytes[4] << 8 | bytes[5];
	return true;
}

/* any, it, a number, an address: whom a word names, if it names anybody. */
static bool parse_who(const char *text, enum plan_sort sort, struct plan_target *out)
{
	if (strcmp(text, "any") == 0 || strcmp(text, "it") == 0) {
		*out = (struct plan_target){
			.sort = sort,
			.pick = text[0] == 'a' ? PLAN_ANY : PLAN_IT,
		};
		return true;
	}
	if (sort != PLAN_DEVICE && is_number(text)) {
		*out = (struct plan_target){
			.sort = sort == PLAN_OBJECT ? PLAN_ADAPTER : sort,
			.pick = PLAN_GIVEN,
			.index = (unsigned)strtoul(text, NULL, 10),
		};
		return true;
	}
	return (sort == PLAN_DEVICE || sort == PLAN_OBJECT) && parse_address(text, out) &&
	       (sort == PLAN_OBJECT || out->sort == PLAN_DEVICE);
}

static int parse_time(struct plan_line *line, const char *word, uint64_t *out_ms)
{
	const char *text = take(line);

	if (plan_time(text, out_ms) < 0)
		return plan_complain(line, "%s wants a time, as 500ms, 3s or 2min, not '%s'", word,
				     text);
	if (*out_ms == 0 && strcmp(word, "at") != 0)
		return plan_complain(line, "%s wants more than 0", word);
	return 0;
}

/* "5%", "0.25%": two places are enough. */
static int parse_chance(struct plan_line *line, unsigned *out_permyriad)
{
	const char *text = take(line), *p = text;
	unsigned value = 0, places = 0;
	bool point = false;

	for (; isdigit((unsigned char)*p) || (*p == '.' && !point); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		value = value * 10 + (unsigned)(*p - '0');
		places += point;
		if (value > 10000 || places > 2)
			break;
	}
	for (; places < 2; places++)
		value *= 10;
	if (strcmp(p, "%") != 0 || value == 0 || value > 10000)
		return plan_complain(line, "chance wants 0.01%% to 100%%, not '%s'", text);
	*out_permyriad = value;
	return 0;
}

static int parse_nth(struct plan_line *line, uint64_t *out_nth)
{
	const char *text = take(line);

	*out_nth = is_number(text) ? strtoul(text, NULL, 10) : 0;
	return *out_nth ? 0 : plan_complain(line, "nth wants a number from 1, not '%s'", text);
}

/* on CALL [any|ADDR|N]; *out_seen: what the call names. */
static int parse_trigger(struct plan_line *line, struct plan_rule *rule, enum plan_sort *out_seen)
{
	const struct plan_checker *checker = line->checker;
	const char *name;

	if (!take_word(line, "on"))
		return plan_complain(line, "after it: on METHOD, as `nth 3 on Connect`");
	name = take(line);
	if (!name[0] || strlen(name) >= sizeof(rule->trigger))
		return plan_complain(line, "on wants a D-Bus method or an HCI command");
	memcpy(rule->trigger, name, strlen(name) + 1);
	if (checker && checker->trigger(checker->data, name, out_seen) < 0)
		return plan_complain(line, "%s sees no '%s'; bleherd-faults(5) lists what it sees",
				     line->face == PLAN_FAKE ? "the fake bluetoothd" : "the radio",
				     name);
	if (!parse_who(peek(line), PLAN_OBJECT, &rule->on) || rule->on.pick == PLAN_IT)
		return 0;
	line->at++;
	if (rule->on.pick == PLAN_ANY)
		rule->on.sort = PLAN_NOTHING;
	return 0;
}

static int parse_when(struct plan_line *line, struct plan_rule *rule, enum plan_sort *out_seen)
{
	int r;

	if (take_word(line, "at"))
		return parse_time(line, "at", &rule->time_ms);
	if (take_word(line, "every")) {
		rule->when = PLAN_EVERY;
		return parse_time(line, "every", &rule->time_ms);
	}
	if (take_word(line, "chance")) {
		rule->when = PLAN_CHANCE;
		r = parse_chance(line, &rule->permyriad);
		return r < 0 ? r : parse_trigger(line, rule, out_seen);
	}
	if (take_word(line, "nth")) {
		rule->when = PLAN_NTH;
		r = parse_nth(line, &rule->nth);
		return r < 0 ? r : parse_trigger(line, rule, out_seen);
	}
	return 0;
}

static int parse_condition(struct plan_line *line, struct plan_condition *out)
{
	const char *word;

	out->negated = take_word(line, "not");
	word = take(line);
	if (strcmp(word, "connected") == 0 || strcmp(word, "discovering") == 0) {
		const bool is_device = word[0] == 'c';

		out->state = is_device ? PLAN_CONNECTED : PLAN_DISCOVERING;
		if (parse_who(take(line), is_device ? PLAN_DEVICE : PLAN_ADAPTER, &out->who))
			return 0;
		return plan_complain(line, "%s wants %s, any or it", word,
				     is_device ? "an address" : "an adapter's number");
	}
	if (!word[0] || strlen(word) >= sizeof(out->kind))
		return plan_complain(line, "while wants connected ADDR, discovering N or a fault "
					   "of this plan");
	out->state = PLAN_UNDER_WAY;
	memcpy(out->kind, word, strlen(word) + 1);
	return 0;
}

/* while and for, in whatever order. */
static int parse_clauses(struct plan_line *line, struct plan_rule *rule, bool has_when)
{
	int r = 0;

	while (r == 0 && (!strcmp(peek(line), "while") || !strcmp(peek(line), "for"))) {
		const bool is_for = strcmp(take(line), "for") == 0;

		if (is_for ? rule->for_ms : (uint64_t)rule->condition.state)
			return plan_complain(line, "two times %s", is_for ? "for" : "while");
		if (!is_for && !has_when)
			return plan_complain(line, "before while: at, every, chance or nth");
		r = is_for ? parse_time(line, "for", &rule->for_ms)
			   : parse_condition(line, &rule->condition);
	}
	return r;
}

static const struct {
	const char *word;
	enum plan_sort sort;
	bool is_one_of_many;
	unsigned verbs; /* bits of enum plan_verb */
} processes[] = {
	{ "worker", PLAN_WORKER, true, 1 << PLAN_KILL | 1 << PLAN_STOP | 1 << PLAN_STARVE },
	{ "lockd", PLAN_LOCKD, false, 1 << PLAN_KILL | 1 << PLAN_STOP | 1 << PLAN_STARVE },
	{ "daemon", PLAN_DAEMON, false, 1 << PLAN_KILL | 1 << PLAN_STOP | 1 << PLAN_STARVE },
	{ "bluetoothd", PLAN_BLUETOOTHD, false, 1 << PLAN_KILL | 1 << PLAN_STOP },
	{ "client", PLAN_CLIENT, true, 1 << PLAN_KILL },
};

/* The fake's bluetoothd is no process of its own: the sim plays what happens to it. */
static void play_bluetoothd(struct plan_rule *rule)
{
	rule->doer = PLAN_SIM;
	rule->timed = true;
	if (rule->verb == PLAN_KILL)
		(void)snprintf(rule->command, sizeof(rule->command), "restart-bluetoothd %llu kill",
			       (unsigned long long)rule->for_ms);
	else
		(void)snprintf(rule->command, sizeof(rule->command), "hang-bluetoothd %llu",
			       (unsigned long long)rule->for_ms);
	rule->verb = PLAN_COMMAND;
	rule->target = (struct plan_target){ .sort = PLAN_NOTHING };
}

static int check_process(struct plan_line *line, struct plan_rule *rule, const char *verb,
			 const char *whom)
{
	if (rule->verb == PLAN_KILL && rule->target.sort != PLAN_BLUETOOTHD && rule->for_ms)
		return plan_complain(line, "kill %s is a moment: without for", whom);
	if (rule->verb != PLAN_KILL && !rule->for_ms)
		return plan_complain(line, "%s %s wants `for TIME` before it", verb, whom);
	if (rule->when != PLAN_AT && rule->when != PLAN_EVERY)
		return plan_complain(line, "what happens to processes goes by at and every");
	if (rule->condition.state == PLAN_CONNECTED || rule->condition.state == PLAN_DISCOVERING)
		return plan_complain(line, "of processes, while knows the faults of processes");
	return 0;
}

static int parse_process(struct plan_line *line, struct plan_rule *rule)
{
	const char *verb = take(line), *whom = take(line);
	size_t i = 0;
	int r;

	rule->doer = PLAN_SOAK;
	while (i < ARRAY_LEN(processes) && strcmp(processes[i].word, whom) != 0)
		i++;
	if (i == ARRAY_LEN(processes) || !(processes[i].verbs & 1u << rule->verb))
		return plan_complain(
			line, "%s wants %s, not '%s'", verb,
			rule->verb == PLAN_KILL ? "worker N, lockd, daemon, bluetoothd or client N"
			: rule->verb == PLAN_STOP ? "worker N, lockd, daemon or bluetoothd"
						  : "worker N, lockd or daemon",
			whom);
	(void)snprintf(rule->kind, sizeof(rule->kind), "%s-%s", verb, whom);
	rule->target.sort = processes[i].sort;
	if (processes[i].is_one_of_many &&
	    (!parse_who(take(line), processes[i].sort, &rule->target) ||
	     rule->target.pick == PLAN_IT))
		return plan_complain(line, "%s %s wants a number or any", verb, whom);
	if (peek(line)[0])
		return plan_complain(line, "unexpected '%s'", peek(line));
	r = check_process(line, rule, verb, whom);
	if (r < 0 || rule->target.sort != PLAN_BLUETOOTHD)
		return r;
	if (!rule->for_ms)
		rule->for_ms = plan_own_time_ms("restart-bluetoothd");
	if (line->face == PLAN_FAKE)
		play_bluetoothd(rule);
	return 0;
}

/* `for 2s restart-bluetoothd kill` is `restart-bluetoothd 2000 kill`, and the other way round. */
static int own_time(struct plan_line *line, struct plan_rule *rule)
{
	const char *own = line->at + 1 < line->count ? line->words[line->at + 1] : "";
	const bool has_number = isdigit((unsigned char)own[0]);

	rule->timed = true;
	if (has_number && rule->for_ms)
		return plan_complain(line, "%s: `for` or a number, not both", rule->kind);
	if (has_number) {
		/* The sim takes no unit there. */
		if (own[strspn(own, "0123456789")] || plan_time(own, &rule->for_ms) < 0)
			return plan_complain(line, "%s wants milliseconds, not '%s'", rule->kind,
					     own);
		return 0;
	}
	if (!rule->for_ms && strcmp(rule->kind, "restart-bluetoothd") == 0 && !own[0])
		rule->for_ms = plan_own_time_ms(rule->kind);
	if (!rule->for_ms)
		return plan_complain(line, "%s wants `for TIME` before it", rule->kind);
	(void)snprintf(rule->command, sizeof(rule->command), "%s %llu%s%s", rule->kind,
		       (unsigned long long)rule->for_ms, own[0] ? " " : "", own);
	return 0;
}

static int parse_command(struct plan_line *line, struct plan_rule *rule)
{
	const char *argument = line->at + 1 < line->count ? line->words[line->at + 1] : "";
	char ending[PLAN_LINE_CHARS];
	int r;

	if (strlen(peek(line)) >= sizeof(rule->kind))
		return plan_complain(line, "unknown command '%s'", peek(line));
	(void)snprintf(rule->kind, sizeof(rule->kind), "%s", peek(line));
	if (plan_own_time_ms(rule->kind)) {
		r = own_time(line, rule);
		if (r < 0)
			return r;
	} else if (rule->for_ms && !plan_ending(rule->command, ending, sizeof(ending))) {
		return plan_complain(line, "%s is a moment, nothing ends it: without for",
				     rule->kind);
	}
	if (!parse_who(argument, PLAN_OBJECT, &rule->target))
		rule->target = (struct plan_target){ .sort = PLAN_NOTHING };
	return 0;
}

/* Whether what a rule waits for names somebody of that sort. */
static bool names(const struct plan_rule *rule, enum plan_sort seen, enum plan_sort wanted)
{
	const struct plan_condition *condition = &rule->condition;
	const bool is_state = condition->state != PLAN_ALWAYS && !condition->negated;
	const bool device =
		seen == PLAN_DEVICE ||
		(is_state && condition->state == PLAN_CONNECTED && condition->who.pick != PLAN_IT);
	const bool adapter = seen == PLAN_DEVICE || seen == PLAN_ADAPTER ||
			     (is_state && condition->state == PLAN_DISCOVERING &&
			      condition->who.pick != PLAN_IT);

	return (wanted == PLAN_DEVICE && device) || (wanted == PLAN_ADAPTER && adapter) ||
	       (wanted == PLAN_OBJECT && (device || adapter));
}

/* The sim says whether it knows the command, and whom it is about. */
static int check_command(const struct plan_line *line, struct plan_rule *rule, enum plan_sort seen)
{
	const struct plan_checker *checker = line->checker;
	_cleanup_free_ char *error = NULL;
	enum plan_sort sort = PLAN_NOTHING;

	if (!checker) {
		rule->target = (struct plan_target){ .sort = PLAN_NOTHING };
		return 0;
	}
	if (checker->command(checker->data, rule->command, &sort, &error) < 0)
		return plan_complain(line, "%s", error ? error : "out of memory");
	if (sort == PLAN_NOTHING)
		rule->target.pick = PLAN_GIVEN;
	if (sort != PLAN_OBJECT || rule->target.pick != PLAN_GIVEN)
		rule->target.sort = sort;
	if (rule->target.pick == PLAN_IT && !names(rule, seen, sort))
		return plan_complain(line, "nothing before it names %s that `it` could be",
				     sort == PLAN_ADAPTER ? "an adapter" : "a device");
	return 0;
}

static int check_condition_it(const struct plan_line *line, const struct plan_rule *rule,
			      enum plan_sort seen)
{
	struct plan_rule bare = { .condition = { .state = PLAN_ALWAYS } };

	if (!line->checker || rule->condition.who.pick != PLAN_IT ||
	    names(&bare, seen, rule->condition.who.sort))
		return 0;
	return plan_complain(line, "nothing before `while` names whom `it` could be");
}

/* FNV-1a, of the words: blanks more or less are no other rule. */
static uint64_t hash_words(const struct plan_line *line)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < line->count; i++) {
		for (const char *p = line->words[i];; p++) {
			hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
			if (!*p)
				break;
		}
	}
	return hash;
}

static enum plan_verb verb_of(const char *word)
{
	static const char *const verbs[] = {
		[PLAN_KILL] = "kill",
		[PLAN_STOP] = "stop",
		[PLAN_STARVE] = "starve",
	};

	for (size_t i = PLAN_KILL; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(word, verbs[i]) == 0)
			return (enum plan_verb)i;
	}
	return PLAN_COMMAND;
}

int plan_rule_parse(struct plan_line *line, struct plan_rule *out)
{
	enum plan_sort seen = PLAN_NOTHING;
	struct plan_rule rule = *out;
	int r;

	r = parse_when(line, &rule, &seen);
	if (r == 0)
		r = parse_clauses(line, &rule, line->at > 0);
	if (r < 0)
		return r;
	if (!peek(line)[0])
		return plan_complain(line, "no command; bleherd-faults(5) lists them");
	plan_join(line, rule.command, sizeof(rule.command));
	rule.verb = verb_of(peek(line));
	rule.hash = hash_words(line);
	r = rule.verb ? parse_process(line, &rule) : parse_command(line, &rule);
	if (r == 0 && rule.doer == PLAN_SIM)
		r = check_command(line, &rule, seen);
	if (r == 0)
		r = check_condition_it(line, &rule, seen);
	if (r == 0)
		*out = rule;
	return r;
}
