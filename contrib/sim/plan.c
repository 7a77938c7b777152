/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/plan.c - a plan's file, its lines and its head; see plan.h. plan_rule.c has the lines
 * that are faults.
 */
#include "contrib/sim/plan.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/plan_line.h"

#define FILE_BYTES_MAX	  (64 * 1024)
#define HEAD_ADAPTERS_MAX 64	  /* MODEL_ADAPTERS_MAX */
#define HEAD_DEVICES_MAX  65536	  /* MODEL_DEVICES_MAX */
#define HEAD_NOTIFY_MAX	  3600000 /* an hour: beyond that nobody notifies */

int plan_complain(const struct plan_line *line, const char *format, ...)
{
	_cleanup_free_ char *sentence = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&sentence, format, ap) < 0)
		sentence = NULL;
	va_end(ap);
	free(*line->out_error);
	if (asprintf(line->out_error, "%s:%u: %s", line->name, line->number,
		     sentence ? sentence : "out of memory") < 0)
		*line->out_error = NULL;
	return -EINVAL;
}

void plan_join(const struct plan_line *line, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = line->at; i < line->count && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i > line->at ? " " : "",
					line->words[i]);
}

static int parse_count(const struct plan_line *line, unsigned min, unsigned max, unsigned *out)
{
	const char *text = line->words[1];
	char *end = NULL;
	unsigned long value;

	value = text && isdigit((unsigned char)text[0]) ? strtoul(text, &end, 10) : 0;
	if (!end || *end || line->words[2] || value < min || value > max)
		return plan_complain(line, "%s wants a number from %u to %u", line->words[0], min,
				     max);
	*out = (unsigned)value;
	return 0;
}

static int add_string(char ***strings, size_t *count, const char *text)
{
	char **more = realloc(*strings, (*count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	*strings = more;
	more[*count] = strdup(text);
	if (!more[*count])
		return -ENOMEM;
	(*count)++;
	return 0;
}

static int parse_title(const struct plan_line *line, struct plan_head *head)
{
	char text[PLAN_LINE_CHARS];

	plan_join(line, text, sizeof(text));
	if (!text[0] || strlen(text) >= sizeof(head->title))
		return plan_complain(line, "title wants 1 to %zu characters",
				     sizeof(head->title) - 1);
	memcpy(head->title, text, strlen(text) + 1);
	return 0;
}

static int parse_adapters(const struct plan_line *line, struct plan_head *head)
{
	return parse_count(line, 1, HEAD_ADAPTERS_MAX, &head->adapters);
}

static int parse_devices(const struct plan_line *line, struct plan_head *head)
{
	return parse_count(line, 1, HEAD_DEVICES_MAX, &head->devices);
}

static int parse_notify_ms(const struct plan_line *line, struct plan_head *head)
{
	return parse_count(line, 1, HEAD_NOTIFY_MAX, &head->notify_ms);
}

static int parse_set(const struct plan_line *line, struct plan_head *head)
{
	char text[PLAN_LINE_CHARS];
	const char *dot, *equals;

	plan_join(line, text, sizeof(text));
	dot = strchr(text, '.');
	equals = strchr(text, '=');
	if (!dot || !equals || dot == text || equals <= dot + 1)
		return plan_complain(line, "set wants SECTION.KEY=VALUE, as links.linger_ms=200");
	return add_string(&head->sets, &head->set_count, text);
}

static int parse_sim(const struct plan_line *line, struct plan_head *head)
{
	if (line->count != 2 || strncmp(line->words[1], "--", 2) != 0)
		return plan_complain(line,
				     "sim wants one option of bleherd-sim, as --connect-ms=50");
	return add_string(&head->sims, &head->sim_count, line->words[1]);
}

/* Outcomes: 0 it was a line of the head; 1 it was not. */
static int parse_head(struct plan_line *line, struct plan_head *head)
{
	static const struct {
		const char *word;
		int (*parse)(const struct plan_line *line, struct plan_head *head);
	} rows[] = {
		{ "title", parse_title },     { "adapters", parse_adapters },
		{ "devices", parse_devices }, { "notify-ms", parse_notify_ms },
		{ "set", parse_set },	      { "sim", parse_sim },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(line->words[0], rows[i].word) != 0)
			continue;
		line->at = 1;
		return rows[i].parse(line, head);
	}
	return 1;
}

static int add_rule(struct plan *plan, struct plan_rule *rule)
{
	struct plan_rule *more;

	/* Two lines that are alike must not do the same at the same moments. */
	for (size_t i = 0; i < plan->rule_count; i++)
		rule->hash += plan->rules[i].hash == rule->hash;
	more = realloc(plan->rules, (plan->rule_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	plan->rules = more;
	more[plan->rule_count++] = *rule;
	return 0;
}

static bool is_out_of(const struct plan_target *target, enum plan_sort sort, unsigned count)
{
	return count && target->sort == sort && target->pick == PLAN_GIVEN &&
	       target->index >= count;
}

/* Numbers that the plan's own world does not have: the sim checks its commands' itself. */
static int check_numbers(const struct plan_line *line, const struct plan_head *head,
			 const struct plan_rule *rule)
{
	const struct plan_target *const targets[] = { &rule->target, &rule->on,
						      &rule->condition.who };

	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		if (is_out_of(targets[i], PLAN_ADAPTER, head->adapters) ||
		    is_out_of(targets[i], PLAN_WORKER, head->adapters))
			return plan_complain(line, "no adapter %u: the plan has %u, from 0 up",
					     targets[i]->index, head->adapters);
		if (is_out_of(targets[i], PLAN_DEVICE, head->devices))
			return plan_complain(line, "no device %u: the plan has %u, from 0 up",
					     targets[i]->index, head->devices);
	}
	return 0;
}

/* The fault that a condition names must be one of the plan that lasts, and of the same doer. */
static int check_condition(const struct plan_line *line, const struct plan *plan,
			   const struct plan_rule *rule)
{
	const char *kind = rule->condition.kind;

	if (rule->condition.state != PLAN_UNDER_WAY)
		return 0;
	for (size_t i = 0; i < plan->rule_count; i++) {
		const struct plan_rule *other = &plan->rules[i];

		if (strcmp(other->kind, kind) == 0 && other->for_ms && other->doer == rule->doer)
			return 0;
	}
	return plan_complain(line, "while %s: no line of this plan has `for TIME %s`%s", kind, kind,
			     rule->doer == PLAN_SOAK ? " of a process" : "");
}

static int check_rules(struct plan_line *line, const struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->rule_count; i++) {
		line->number = plan->rules[i].line;
		r = check_numbers(line, &plan->head, &plan->rules[i]);
		if (r == 0)
			r = check_condition(line, plan, &plan->rules[i]);
	}
	return r;
}

static int split(struct plan_line *line, const char *text, size_t len)
{
	char *cursor = NULL;

	line->count = line->at = 0;
	if (len >= sizeof(line->copy))
		return plan_complain(line, "the line is longer than %zu characters",
				     sizeof(line->copy) - 1);
	memcpy(line->copy, text, len);
	line->copy[len] = '\0';
	for (char *word = strtok_r(line->copy, " \t\r", &cursor); word;
	     word = strtok_r(NULL, " \t\r", &cursor)) {
		if (line->count == PLAN_WORDS_MAX)
			return plan_complain(line, "the line has more than %d words",
					     PLAN_WORDS_MAX);
		line->words[line->count++] = word;
	}
	line->words[line->count] = NULL;
	return 0;
}

static int parse_line(struct plan_line *line, struct plan *plan, const char *text, size_t len)
{
	struct plan_rule rule = { .line = line->number };
	int r;

	r = split(line, text, len);
	if (r < 0 || line->count == 0 || line->words[0][0] == '#')
		return r;
	if (strcmp(line->words[0], line->face == PLAN_FAKE ? "lab:" : "fake:") == 0)
		return 0;
	if (strcmp(line->words[0], line->face == PLAN_FAKE ? "fake:" : "lab:") == 0)
		memmove(line->words, line->words + 1, line->count-- * sizeof(line->words[0]));
	if (line->count == 0)
		return plan_complain(line, "nothing after the face's name");
	r = parse_head(line, &plan->head);
	if (r != 1)
		return r;
	r = plan_rule_parse(line, &rule);
	return r < 0 ? r : add_rule(plan, &rule);
}

int plan_parse(struct plan **out, const char *name, const char *text, enum plan_face face,
	       const struct plan_checker *checker, char **out_error)
{
	struct plan_line line = {
		.name = name,
		.face = face,
		.checker = checker,
		.out_error = out_error,
	};
	struct plan *plan = calloc(1, sizeof(*plan));
	int r = 0;

	*out_error = NULL;
	if (!plan)
		return -ENOMEM;
	while (r == 0 && *text) {
		const size_t len = strcspn(text, "\n");

		line.number++;
		r = parse_line(&line, plan, text, len);
		text += len + (text[len] == '\n');
	}
	if (r == 0)
		r = check_rules(&line, plan);
	if (r < 0) {
		(void)plan_free(plan);
		return r;
	}
	*out = plan;
	return 0;
}

static int read_text(const char *path, char text[static FILE_BYTES_MAX + 1])
{
	size_t len;
	FILE *f;
	int r = 0;

	f = fopen(path, "re");
	if (!f)
		return -errno;
	len = fread(text, 1, FILE_BYTES_MAX + 1, f);
	if (ferror(f))
		r = errno ? -errno : -EIO;
	(void)fclose(f);
	/* Of a directory or a picture, the first line would be blamed for no reason. */
	if (r == 0 && (len > FILE_BYTES_MAX || strlen(text) != len))
		r = -EFBIG;
	return r;
}

int plan_read(struct plan **out, const char *path, enum plan_face face,
	      const struct plan_checker *checker, char **out_error)
{
	_cleanup_free_ char *text = calloc(1, FILE_BYTES_MAX + 1);
	int r;

	*out_error = NULL;
	if (!text)
		return -ENOMEM;
	r = read_text(path, text);
	return r < 0 ? r : plan_parse(out, path, text, face, checker, out_error);
}

struct plan *plan_free(struct plan *plan)
{
	if (!plan)
		return NULL;
	for (size_t i = 0; i < plan->head.set_count; i++)
		free(plan->head.sets[i]);
	for (size_t i = 0; i < plan->head.sim_count; i++)
		free(plan->head.sims[i]);
	free(plan->head.sets);
	free(plan->head.sims);
	free(plan->rules);
	free(plan);
	return NULL;
}
