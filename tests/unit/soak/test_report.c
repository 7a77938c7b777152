/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/soak/test_report.c - the pages of a soak: what they say, refuse and never let through.
 */
#include "tests/support/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "contrib/soak/report.h"

Suite *suite_report(void);

/* What a string of a report may try to be; the bell is a control character that JSON can have. */
#define EVIL "<img src=x onerror=alert(1)> & \\\"q\\\" 'p' \\u0007"

static const char broken_run[] =
	"{\"format\":\"bleherd-soak 1\",\"run\":{\"face\":\"fake\",\"plan\":\"" EVIL "\","
	"\"title\":\"" EVIL "\",\"seed\":1234567,\"clients\":20,\"duration_s\":120,"
	"\"began\":\"" EVIL "\",\"kernel\":\"" EVIL "\",\"contestant\":\"" EVIL "\","
	"\"repeat\":\"bleherd-soak --seed 1234567 " EVIL "\"},"
	"\"outcome\":{\"held\":false,\"ended_ms\":61000,\"violations\":[{\"at_ms\":60500,"
	"\"promise\":\"answered-once\",\"text\":\"read 7 was answered twice " EVIL "\","
	"\"request\":{\"number\":7,\"" EVIL "\":\"" EVIL "\"},"
	"\"trace\":[\"first line " EVIL "\",\"second line\"]}]},"
	"\"promises\":[{\"name\":\"answered-once\",\"text\":\"Once " EVIL "\",\"checked\":50000,"
	"\"broken\":1},{\"name\":\"value\",\"text\":\"Value\",\"checked\":3,\"broken\":0},"
	"{\"name\":\"flat\",\"text\":\"Flat\",\"checked\":0,\"broken\":0}],"
	"\"requests\":{\"n\":20000,\"done\":19999,\"kinds\":[{\"kind\":\"" EVIL "\",\"n\":20000,"
	"\"done\":19999,\"p50_ms\":1.25,\"p95_ms\":340.4,\"worst_ms\":1345.6}],"
	"\"classes\":[{\"class\":\"" EVIL "\",\"n\":1}]},"
	"\"faults\":[{\"kind\":\"" EVIL "\",\"n\":2,\"recovered\":1,\"p50_ms\":420,"
	"\"p95_ms\":null,\"worst_ms\":420}],"
	"\"timeline\":{\"step_ms\":1000,\"answered\":[3,0,5],\"failed\":[0,0,1],"
	"\"p50_ms\":[1,null,2],\"p95_ms\":[3,null,4],\"worst_ms\":[5,null,6],"
	"\"faults\":[{\"at_ms\":500,\"for_ms\":1000,\"kind\":\"" EVIL "\",\"where\":\"hci1\","
	"\"text\":\"" EVIL "\",\"recovered_ms\":420},{\"at_ms\":2000,\"for_ms\":0,"
	"\"kind\":\"drop\",\"text\":\"drop\",\"recovered_ms\":null}]},"
	"\"locks\":{\"grants\":9,\"two_holders\":0,\"fairness\":1.0333333,\"clients\":[{\"who\":\"" EVIL
	"\",\"kind\":\"" EVIL "\",\"grants\":9,\"wait_p50_ms\":1,\"wait_p95_ms\":2,"
	"\"worst_ms\":3}]},"
	"\"escalations\":[{\"step\":\"" EVIL "\",\"n\":4}],"
	"\"events\":[{\"event\":\"" EVIL "\",\"n\":4}],"
	"\"resources\":{\"step_ms\":5000,\"processes\":[{\"name\":\"" EVIL "\","
	"\"pss_kib\":[3400,null,3500],\"fds\":[30,31,31]}],\"count\":[20,21,20]}}";

#define HEAD "{\"format\":\"bleherd-soak 1\",\"run\":{},\"outcome\":{\"held\":true}"

static json_t *load(const char *text)
{
	json_error_t error;
	json_t *run = json_loads(text, 0, &error);

	ck_assert_msg(run, "%s", error.text);
	return run;
}

/* The page; the caller's to free(). */
static char *page_of(const char *text)
{
	json_t *run = load(text);
	char *page = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&page, &len);

	ck_assert_int_eq(report_html(run, out), 0);
	fclose(out);
	json_decref(run);
	return page;
}

static char *compared(const char *const *texts, size_t n,
		      int (*make)(const json_t *const *runs, size_t n, FILE *out))
{
	json_t *runs[REPORT_RUNS_MAX];
	char *page = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&page, &len);

	for (size_t i = 0; i < n; i++)
		runs[i] = load(texts[i]);
	ck_assert_int_eq(make((const json_t *const *)runs, n, out), 0);
	fclose(out);
	for (size_t i = 0; i < n; i++)
		json_decref(runs[i]);
	return page;
}

/* Each element is closed by its own end: what a browser would repair silently, and differently. */
static void assert_balanced(const char *page)
{
	char open[64][16];
	size_t depth = 0;

	for (const char *at = strchr(page, '<'); at; at = strchr(at + 1, '<')) {
		const char *end = strchr(at, '>');
		bool is_end = at[1] == '/';
		const char *name = at + 1 + is_end;
		size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz123456789");

		ck_assert_ptr_nonnull(end);
		if (at[1] == '!' || end[-1] == '/' || strncmp(name, "meta", 4) == 0)
			continue;
		ck_assert_msg(len > 0 && len < sizeof(open[0]), "no element: %.40s", at);
		if (!is_end) {
			ck_assert_uint_lt(depth, 64);
			memcpy(open[depth], name, len);
			open[depth++][len] = '\0';
			continue;
		}
		ck_assert_msg(depth > 0 && strlen(open[depth - 1]) == len &&
				      strncmp(open[depth - 1], name, len) == 0,
			      "<%s> is open where this ends: %.40s", depth ? open[depth - 1] : "",
			      at);
		depth--;
	}
	ck_assert_uint_eq(depth, 0);
}

static void assert_has(const char *page, const char *text)
{
	ck_assert_msg(strstr(page, text), "missing: %s", text);
}

static void assert_lacks(const char *page, const char *text)
{
	const char *found = strstr(page, text);

	ck_assert_msg(!found, "there is: %.60s", found);
}

/* --- a run's page --- */

START_TEST(nothing_of_the_json_becomes_html)
{
	char *page = page_of(broken_run);

	assert_lacks(page, "<img");
	assert_lacks(page, "<script");
	assert_lacks(page, "\a");
	assert_has(page, "&lt;img src=x onerror=alert(1)&gt; &amp; &quot;q&quot; &#39;p&#39;");
	assert_balanced(page);
	free(page);
}
END_TEST

START_TEST(a_page_needs_nothing_else)
{
	char *page = page_of(HEAD "}");

	assert_lacks(page, "http://");
	assert_lacks(page, "https://");
	assert_lacks(page, " src=");
	assert_lacks(page, "url(");
	assert_lacks(page, "@import");
	free(page);
}
END_TEST

START_TEST(a_broken_promise_is_told_first_and_in_full)
{
	char *page = page_of(broken_run);
	const char *verdict = strstr(page, "<b>Broken: answered-once</b>");

	ck_assert_ptr_nonnull(verdict);
	ck_assert(verdict < strstr(page, "id=\"promises\""));
	assert_has(page, "read 7 was answered twice");
	assert_has(page, "1\u00a0min\u00a001\u00a0s of 2\u00a0min\u00a000\u00a0s");
	assert_has(page, "bleherd-soak --seed 1234567");
	assert_has(page, "answered-once</span> at 1:00.5");
	assert_has(page, "\nsecond line\n");
	/* One promise each: broken, held, not looked at. */
	assert_has(page, "✕\u00a0broken");
	assert_has(page, "✓\u00a0held");
	assert_has(page, "not\u00a0checked");
	assert_has(page, "99.99\u00a0%");
	assert_has(page, ", not recovered</title>");
	assert_has(page, ", recovered after 420\u00a0ms</title>");
	/* No raw figures: 1345.6 and 1.0333333 have been rounded. */
	assert_lacks(page, "1345.6");
	assert_lacks(page, "1.0333");
	free(page);
}
END_TEST

START_TEST(a_run_that_was_cut_short_is_neither)
{
	char *page = page_of("{\"format\":\"bleherd-soak 1\",\"run\":{\"duration_s\":60},"
			     "\"outcome\":{\"held\":false,\"ended_ms\":2590}}");

	assert_has(page, "<b>Unfinished</b>");
	assert_has(page, "2.59\u00a0s of 1\u00a0min\u00a000\u00a0s");
	assert_lacks(page, "<b>Broken");
	assert_lacks(page, "<b>Held");
	free(page);
}
END_TEST

START_TEST(a_gap_in_the_measurements_is_a_gap_in_the_curve)
{
	char *page = page_of(broken_run);
	const char *curve = strstr(page, "<path class=\"p50\" d=\"M82 ");

	/* Two points that are not joined. */
	ck_assert_ptr_nonnull(curve);
	ck_assert_ptr_null(memchr(curve, 'L', strcspn(curve, ">")));
	free(page);
}
END_TEST

static const char *const partial[] = {
	HEAD "}",
	HEAD ",\"promises\":[],\"requests\":{},\"faults\":[],\"timeline\":{},\"locks\":{},"
	     "\"escalations\":[],\"events\":[],\"resources\":{}}",
	HEAD ",\"promises\":null,\"requests\":null,\"faults\":null,\"timeline\":null,"
	     "\"locks\":null,\"escalations\":null,\"events\":null,\"resources\":null}",
	/* What is in the arrays is not what belongs there. */
	HEAD ",\"promises\":[1,\"x\",null,{}],\"requests\":{\"kinds\":[{},7],\"classes\":[[]]},"
	     "\"faults\":[{},[]],\"timeline\":{\"step_ms\":1000,\"answered\":[\"x\",null],"
	     "\"p50_ms\":[{}],\"faults\":[{},3,{\"at_ms\":\"x\"}]},\"locks\":{\"clients\":[{}]},"
	     "\"escalations\":[{}],\"resources\":{\"processes\":[{}],\"count\":[\"x\"]}}",
	/* Figures beyond everything. */
	HEAD ",\"requests\":{\"n\":1e300,\"done\":-5,\"kinds\":[{\"kind\":\"read\",\"n\":-1,"
	     "\"p50_ms\":1e300,\"worst_ms\":-3}]},\"timeline\":{\"step_ms\":1e-300,"
	     "\"answered\":[1e300,-1],\"p50_ms\":[1e-300],\"worst_ms\":[1e300],"
	     "\"faults\":[{\"at_ms\":-1e300,\"for_ms\":1e300}]},"
	     "\"resources\":{\"step_ms\":-1,\"count\":[1e300]}}",
};

START_TEST(what_is_missing_is_said)
{
	char *page = page_of(partial[_i]);

	assert_balanced(page);
	assert_has(page, "<b>Held</b>");
	assert_has(page, "id=\"resources\"");
	if (_i < 3)
		assert_has(page, "No fault was injected.");
	assert_lacks(page, ">nan");
	assert_lacks(page, ">inf");
	free(page);
}
END_TEST

/* --- what is refused --- */

static const struct {
	const char *json, *why;
} refused[] = {
	{ "[]", "an array, not an object" },
	{ "{}", "it has no \"format\" (\"bleherd-soak 1\" is expected)" },
	{ "{\"format\":\"bleherd-soak 2\"}",
	  "its format is \"bleherd-soak 2\"; this program reads \"bleherd-soak 1\"" },
	{ "{\"format\":\"a\\nb\"}", "its format is \"a?b\"" },
	{ "{\"format\":\"bleherd-soak 1\"}", "it has no \"run\"" },
	{ "{\"format\":\"bleherd-soak 1\",\"run\":{}}", "it has no \"outcome\"" },
	{ "{\"format\":\"bleherd-soak 1\",\"run\":[],\"outcome\":{}}",
	  "\"run\" is an array; it must be an object" },
	{ "{\"format\":\"bleherd-soak 1\",\"run\":{},\"outcome\":{}}",
	  "\"outcome.held\" must be true or false" },
	{ HEAD ",\"faults\":3}", "\"faults\" is a number; it must be an array" },
	{ HEAD ",\"timeline\":{\"p50_ms\":{}}}",
	  "\"timeline.p50_ms\" is an object; it must be an array" },
};

START_TEST(what_is_no_report_is_refused_with_the_reason)
{
	json_t *run = load(refused[_i].json);
	char why[200] = "", *page = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&page, &len);

	ck_assert_int_eq(report_check(run, why, sizeof(why)), -EINVAL);
	ck_assert_msg(strstr(why, refused[_i].why), "said was: %s", why);
	ck_assert_ptr_null(strchr(why, '\n'));
	ck_assert_int_eq(report_html(run, out), -EINVAL);
	ck_assert_int_eq(report_compare((const json_t *const *)&run, 1, out), -EINVAL);
	ck_assert_int_eq(report_compare_text((const json_t *const *)&run, 1, out), -EINVAL);
	fclose(out);
	ck_assert_uint_eq(len, 0);
	free(page);
	json_decref(run);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_says_why)
{
	char why[200], dir[] = "/tmp/bleherd-report-XXXXXX", file[64];
	json_t *run = NULL;
	FILE *out;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(report_read(dir, &run, why, sizeof(why)), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "report.json in it: No such file"));
	snprintf(file, sizeof(file), "%s/report.json", dir);
	out = fopen(file, "we");
	fputs("{\n\"format\": }", out);
	fclose(out);
	ck_assert_int_eq(report_read(file, &run, why, sizeof(why)), -EINVAL);
	ck_assert_msg(strstr(why, "no JSON: line 2"), "said was: %s", why);
	out = fopen(file, "we");
	fputs(HEAD "}", out);
	fclose(out);
	/* A folder stands for the report in it. */
	ck_assert_int_eq(report_read(dir, &run, why, sizeof(why)), 0);
	json_decref(run);
	unlink(file);
	rmdir(dir);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	json_t *run = load(broken_run);
	FILE *out = fopen("/dev/full", "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(report_html(run, out), -EIO);
	fclose(out);
	json_decref(run);
}
END_TEST

/* --- side by side --- */

#define RUN_OF(name, held, n, done, p50)                                                           \
	"{\"format\":\"bleherd-soak 1\",\"run\":{\"contestant\":\"" name "\",\"seed\":7},"         \
	"\"outcome\":{\"held\":" held "},\"requests\":{\"n\":" n ",\"done\":" done                 \
	",\"kinds\":[{\"kind\":\"read\",\"n\":" n ",\"done\":" done ",\"p50_ms\":" p50 "}]}}"

static const char *const three[] = {
	RUN_OF("bleherd", "true", "1000", "1000", "20"),
	RUN_OF("bleak", "false,\"violations\":[{}]", "1000", "590", "62"),
	RUN_OF("bleak\\u001b\\u009b with locks", "true", "1000", "830", "44"),
};

START_TEST(the_terminals_table_fits_and_cannot_steer_it)
{
	const char *const four[] = { three[0], three[1], three[2], broken_run };

	for (size_t n = 1; n <= REPORT_RUNS_MAX; n++) {
		char *text = compared(four, n, report_compare_text);

		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			ck_assert_msg(strlen(line) <= 80, "too long: %s", line);
			ck_assert_uint_eq(strcspn(line, "\033\a\xc2"), strlen(line));
			ck_assert_msg(line[strlen(line) - 1] != ' ', "a space ends: %s", line);
		}
		free(text);
	}
}
END_TEST

START_TEST(the_table_has_each_run_in_its_column)
{
	char *text = compared(three, 3, report_compare_text);

	assert_has(text, "  outcome                                 held           broken"
			 "             held\n");
	assert_has(text, "  succeeded                              100 %          59.00 %"
			 "          83.00 %\n");
	assert_has(text, "  read                                   20 ms            62 ms"
			 "            44 ms\n");
	free(text);
}
END_TEST

START_TEST(side_by_side_the_best_and_the_ratio_are_seen)
{
	char *page = compared(three, 3, report_compare);

	assert_balanced(page);
	assert_has(page, "<td class=\"n best\">20\u00a0ms");
	assert_has(page, "<td class=\"n\">62\u00a0ms <span class=\"note\">×3.10</span>");
	assert_has(page, "<b>B: bleak, broken</b>");
	assert_has(page, "class=\"verdict broken\"");
	free(page);
}
END_TEST

START_TEST(runs_under_other_conditions_are_told)
{
	const char *const two[] = { three[0], broken_run };
	char *page = compared(two, 2, report_compare);
	char *text = compared(two, 2, report_compare_text);
	char *alike = compared(three, 3, report_compare_text);

	assert_has(page, "they differ in plan, face, seed, clients, duration.");
	assert_has(text, "they differ in plan, face, seed, clients, duration.");
	assert_lacks(alike, "they differ");
	free(page);
	free(text);
	free(alike);
}
END_TEST

START_TEST(alone_is_not_the_best)
{
	const char *const two[] = { three[0], HEAD "}" };
	char *page = compared(two, 2, report_compare);

	assert_has(page, "<td class=\"n\">20\u00a0ms");
	assert_lacks(page, "n best");
	free(page);
}
END_TEST

START_TEST(a_wrong_number_of_runs_is_refused)
{
	json_t *run = load(HEAD "}");
	const json_t *runs[REPORT_RUNS_MAX + 1] = { run, run, run, run, run };

	ck_assert_int_eq(report_compare(runs, 0, stderr), -EINVAL);
	ck_assert_int_eq(report_compare_text(runs, REPORT_RUNS_MAX + 1, stderr), -EINVAL);
	json_decref(run);
}
END_TEST

Suite *suite_report(void)
{
	Suite *s = suite_create("report");
	TCase *t = tcase_create("report");

	tcase_add_test(t, nothing_of_the_json_becomes_html);
	tcase_add_test(t, a_page_needs_nothing_else);
	tcase_add_test(t, a_broken_promise_is_told_first_and_in_full);
	tcase_add_test(t, a_run_that_was_cut_short_is_neither);
	tcase_add_test(t, a_gap_in_the_measurements_is_a_gap_in_the_curve);
	tcase_add_loop_test(t, what_is_missing_is_said, 0, (int)ARRAY_LEN(partial));
	tcase_add_loop_test(t, what_is_no_report_is_refused_with_the_reason, 0,
			    (int)ARRAY_LEN(refused));
	tcase_add_test(t, a_file_that_cannot_be_read_says_why);
	tcase_add_test(t, a_full_disk_is_an_error);
	tcase_add_test(t, the_terminals_table_fits_and_cannot_steer_it);
	tcase_add_test(t, the_table_has_each_run_in_its_column);
	tcase_add_test(t, side_by_side_the_best_and_the_ratio_are_seen);
	tcase_add_test(t, runs_under_other_conditions_are_told);
	tcase_add_test(t, alone_is_not_the_best);
	tcase_add_test(t, a_wrong_number_of_runs_is_refused);
	suite_add_tcase(s, t);
	return s;
}
