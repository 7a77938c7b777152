/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/faults.c - parser and table look-up of the fault language; see faults.h.
 *
 * Lines come from files and from the control socket: copied, length-checked and range-checked here,
 * so that the commands' functions get nothing but existing devices and numbers.
 */
#include "contrib/sim/faults.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/model.h"

#define TABLES_MAX 5

struct faults {
	struct model *model;
	size_t table_count;
	struct {
		const struct fault_command *rows;
		size_t count;
		void *face;
	} tables[TABLES_MAX];
};

int faults_new(struct faults **out, struct model *model)
{
	struct faults *faults = calloc(1, sizeof(*faults));

	if (!faults)
		return -ENOMEM;
	faults->model = model;
	*out = faults;
	return 0;
}

struct faults *faults_free(struct faults *faults)
{
	free(faults);
	return NULL;
}

int faults_register(struct faults *faults, const struct fault_command *table, size_t count,
		    void *face)
{
	if (faults->table_count == TABLES_MAX)
		return -ENOMEM;
	faults->tables[faults->table_count].rows = table;
	faults->tables[faults->table_count].count = count;
	faults->tables[faults->table_count].face = face;
	faults->table_count++;
	return 0;
}

_printf_(1, 2) static char *format_text(const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	return text;
}

void fault_reply_set(struct fault_reply *reply, const char *format, ...)
{
	va_list ap;

	free(reply->text);
	va_start(ap, format);
	if (vasprintf(&reply->text, format, ap) < 0)
		reply->text = NULL;
	va_end(ap);
}

/* The last table that has the name wins: a face may do more than the model's own row. */
static const struct fault_command *find_command(const struct faults *faults, const char *name,
						void **out_face)
{
	for (size_t t = faults->table_count; t-- > 0;) {
		for (size_t i = 0; i < faults->tables[t].count; i++) {
			if (strcmp(faults->tables[t].rows[i].name, name) != 0)
				continue;
			*out_face = faults->tables[t].face;
			return &faults->tables[t].rows[i];
		}
	}
	return NULL;
}

static int parse_number(const char *text, uint64_t *out)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end,
			 text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10);
	if (errno || *end)
		return -EINVAL;
	*out = value;
	return 0;
}

static int parse_address(struct faults *faults, const char *text, bool allow_adapter,
			 struct fault_args *args)
{
	uint8_t address[MODEL_ADDRESS_BYTES];

	if (model_address_parse(text, address) < 0)
		return -EINVAL;
	args->device = model_device_by_address(faults->model, address);
	if (args->device)
		return 0;
	for (unsigned i = 0; allow_adapter && i < model_adapter_count(faults->model); i++) {
		struct model_adapter *adapter = model_adapter(faults->model, i);

		if (memcmp(adapter->address, address, sizeof(address)) == 0) {
			args->adapter = adapter;
			return 0;
		}
	}
	return -ENODEV;
}

static int parse_adapter(struct faults *faults, const char *text, struct fault_args *args)
{
	uint64_t index;
	int r;

	r = parse_number(text, &index);
	if (r < 0)
		return r;
	if (index >= model_adapter_count(faults->model))
		return -ENODEV;
	args->adapter = model_adapter(faults->model, (unsigned)index);
	return 0;
}

static int parse_switch(const char *text, bool *out)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return -EINVAL;
	*out = text[1] == 'n';
	return 0;
}

static int parse_word(const char *text, char *out)
{
	size_t len = strlen(text);

	if (len >= FAULT_WORD_CHARS)
		return -EINVAL;
	memcpy(out, text, len + 1);
	return 0;
}

/* Outcomes as errno: -EINVAL the form is wrong, -ENODEV there is no such thing. */
static int parse_argument(struct faults *faults, char letter, const char *text,
			  struct fault_args *args, size_t *numbers, size_t *words)
{
	int r;

	switch (letter) {
	case 'd':
		return parse_address(faults, text, false, args);
	case 't':
		return parse_address(faults, text, true, args);
	case 'a':
		return parse_adapter(faults, text, args);
	case 'b':
		return parse_switch(text, &args->on);
	case 'n':
		r = parse_number(text, &args->numbers[*numbers]);
		args->has_number[(*numbers)++] = true;
		return r;
	case 'w':
		return parse_word(text, args->words[(*words)++]);
	default:
		/* A row with a letter that faults.h does not know is a mistake in the source. */
		abort();
	}
}

static int parse_arguments(struct faults *faults, const struct fault_command *command,
			   char **cursor, struct fault_args *args, char **out_error)
{
	size_t numbers = 0, words = 0;
	bool optional = false;
	const char *text;
	int r;

	for (const char *letter = command->args; *letter; letter++) {
		if (*letter == '?') {
			optional = true;
			continue;
		}
		text = strtok_r(NULL, " \t", cursor);
		if (!text && optional)
			return 0;
		r = text ? parse_argument(faults, *letter, text, args, &numbers, &words) : -EINVAL;
		if (r == -ENODEV)
			*out_error = format_text("no such %s '%s'",
						 *letter == 'a' ? "adapter" : "address", text);
		if (r < 0)
			return r;
	}
	return strtok_r(NULL, " \t", cursor) ? -EINVAL : 0;
}

int faults_parse(struct faults *faults, const char *line, struct fault_call *out, char **out_error)
{
	struct fault_call call = { .command = NULL };
	char copy[FAULT_LINE_CHARS], *cursor = NULL, *name;
	int r;

	*out_error = NULL;
	if (strlen(line) >= sizeof(copy)) {
		*out_error =
			format_text("the line is longer than %zu characters", sizeof(copy) - 1);
		return -EINVAL;
	}
	memcpy(copy, line, strlen(line) + 1);
	copy[strcspn(copy, "\r\n")] = '\0';

	name = strtok_r(copy, " \t", &cursor);
	if (!name || name[0] == '#')
		return FAULTS_EMPTY;
	call.command = find_command(faults, name, &call.face);
	if (!call.command) {
		*out_error = format_text("unknown command '%s' (help lists them)", name);
		return -EINVAL;
	}
	r = parse_arguments(faults, call.command, &cursor, &call.args, out_error);
	if (r < 0 && !*out_error)
		*out_error = format_text("usage: %s %s", call.command->name, call.command->usage);
	if (r < 0)
		return -EINVAL;
	*out = call;
	return 0;
}

int faults_target(const struct faults *faults, const char *name)
{
	const struct fault_command *command;
	void *face;

	command = find_command(faults, name, &face);
	if (!command)
		return -ENOENT;
	return strchr("dta", command->args[0]) ? command->args[0] : 0;
}

char *faults_call(const struct fault_call *call)
{
	_cleanup_free_ char *text = NULL;
	struct fault_reply reply = { .text = NULL };
	int r;

	r = call->command->run(call->face, &call->args, &reply);
	text = reply.text;
	if (r < 0)
		return format_text("error: %s", text ? text : strerror(-r));
	return text ? TAKE_PTR(text) : strdup("ok");
}

static char *list_commands(const struct faults *faults)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	void *face;

	if (!f)
		return NULL;
	(void)fputs("help", f);
	for (size_t t = 0; t < faults->table_count; t++) {
		for (size_t i = 0; i < faults->tables[t].count; i++) {
			const struct fault_command *row = &faults->tables[t].rows[i];

			if (find_command(faults, row->name, &face) != row)
				continue;
			(void)fprintf(f, "; %s%s%s", row->name, row->usage[0] ? " " : "",
				      row->usage);
		}
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *faults_run(struct faults *faults, const char *line)
{
	_cleanup_free_ char *error = NULL;
	struct fault_call call;
	int r;

	if (strncmp(line, "help", 4) == 0 && strchr(" \t\r\n", line[4]))
		return list_commands(faults);
	r = faults_parse(faults, line, &call, &error);
	if (r == FAULTS_EMPTY)
		return strdup("error: an empty line");
	if (r < 0)
		return format_text("error: %s", error ? error : strerror(-r));
	return faults_call(&call);
}
