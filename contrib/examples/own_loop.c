/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * own_loop.c - bleherd in a program that has an event loop: own_loop < commands
 *
 * The loop polls two descriptors, its own (here: stdin) and bh_fd(). Lines are "ADDR UUID"; the
 * values are printed as they come, several peripherals at once. Nothing here ever blocks.
 */
#include <bleherd.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct app {
	struct bh_client *client;
	unsigned n_open; /* jobs */
	unsigned n_failed;
};

struct job {
	struct app *app;
	struct bh_session *session;
	char name[64];
};

/* The last answer of a job ends it; a callback may close its own session. */
static void on_read(void *ctx, const struct bh_result *result)
{
	struct job *job = ctx;
	size_t i;

	if (result->error == BH_CLASS_NONE) {
		printf("%s ", job->name);
		for (i = 0; i < result->len_bytes; i++)
			printf("%02x", result->value[i]);
		printf("\n");
	} else {
		fprintf(stderr, "%s: %s: %s\n", job->name, bh_class_name(result->error),
			result->text);
		job->app->n_failed++;
	}
	job->app->n_open--;
	bh_session_close(job->session);
	free(job);
}

static void start(struct app *app, const char *line)
{
	struct job *job = calloc(1, sizeof(*job));
	struct bh_uuid uuid;
	uint64_t address;
	char words[2][40];
	int r = -1;

	if (!job)
		return;
	job->app = app;
	(void)snprintf(job->name, sizeof(job->name), "%.63s", line);
	if (sscanf(line, "%39s %39s", words[0], words[1]) == 2 &&
	    bh_parse_address(words[0], &address) == 0 && bh_parse_uuid(words[1], &uuid) == 0)
		r = bh_session_open(&job->session, app->client, address, NULL, 20000, NULL, NULL,
				    NULL);
	if (r == 0)
		r = bh_connect(job->session, 20000, NULL, NULL);
	if (r == 0)
		r = bh_read(job->session, &uuid, 20000, on_read, job);
	if (r == 0) {
		app->n_open++;
		return;
	}
	fprintf(stderr, "%s: not a line like C0:AA:BB:00:00:01 2a29\n", job->name);
	app->n_failed++;
	bh_session_close(job->session);
	free(job);
}

/* What has come on stdin; false: no more will. */
static bool take_lines(struct app *app)
{
	static char text[4096];
	static size_t len;
	ssize_t n = read(STDIN_FILENO, text + len, sizeof(text) - 1 - len);
	char *end;

	if (n <= 0)
		return false;
	len += (size_t)n;
	text[len] = '\0';
	while ((end = strchr(text, '\n'))) {
		*end = '\0';
		start(app, text);
		len -= (size_t)(end + 1 - text);
		memmove(text, end + 1, len + 1);
	}
	return true;
}

int main(void)
{
	struct app app = { .n_open = 0 };
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };
	int r = 0;

	if (bh_new(&app.client, NULL, "own_loop") < 0) {
		fprintf(stderr, "own_loop: no daemon\n");
		return 69;
	}
	bh_stay(app.client, NULL, NULL);
	fds[1].fd = bh_fd(app.client);
	while (r == 0 && (fds[0].fd >= 0 || app.n_open > 0)) {
		(void)poll(fds, 2, bh_timeout_ms(app.client));
		if (fds[0].revents && !take_lines(&app))
			fds[0].fd = -1;
		/* Also when nothing came: there may be a deadline. */
		r = bh_process(app.client);
	}
	bh_free(app.client);
	return r == 0 && app.n_failed == 0 ? 0 : 1;
}
