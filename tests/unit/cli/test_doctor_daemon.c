/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/cli/test_doctor_daemon.c - what `bleherd doctor` thinks of the daemon, the slot files
 * and other programs, on made-up facts; and how it is printed.
 */
#include "tests/support/runner.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/cli/doctor_case.h"
#include "ipc/client/cli/words.h"

Suite *suite_doctor_daemon(void);

static void no_adapters(struct doctor_facts *f)
{
	f->n_adapters = 0;
}

static void raw_socket(struct doctor_facts *f)
{
	f->raw[f->n_raw++] = (struct doctor_holder){ .pid = 77, .comm = "hcitool" };
}

static void raw_hidden(struct doctor_facts *f)
{
	f->is_raw_hidden = true;
}

static void daemon_denied(struct doctor_facts *f)
{
	doctor_daemon_gone(f);
	f->connect_error = -EACCES;
}

static void daemon_hung(struct doctor_facts *f)
{
	f->status = DOCTOR_REPLY_LATE;
}

static void daemon_refuses(struct doctor_facts *f)
{
	f->status = DOCTOR_REPLY_ERROR;
	(void)snprintf(f->status_error, sizeof(f->status_error), "too many clients");
}

static void socket_for_all(struct doctor_facts *f)
{
	f->socket_mode = 0666;
}

static void daemon_of_yesterday(struct doctor_facts *f)
{
	(void)snprintf(f->daemon_version, sizeof(f->daemon_version), "0.0.9");
}

static void worker_parked(struct doctor_facts *f)
{
	(void)snprintf(f->adapters[1].state, sizeof(f->adapters[1].state), "parked");
	f->adapters[1].trouble = BH_CLASS_INTERNAL;
	(void)snprintf(f->adapters[1].trouble_text, sizeof(f->adapters[1].trouble_text),
		       "it died 5 times");
}

static void workers_parked(struct doctor_facts *f)
{
	worker_parked(f);
	(void)snprintf(f->adapters[0].state, sizeof(f->adapters[0].state), "parked");
}

static void worker_in_trouble(struct doctor_facts *f)
{
	f->adapters[0].trouble = BH_CLASS_NOT_POWERED;
}

static void adapter_without_worker(struct doctor_facts *f)
{
	f->adapters[1].is_in_daemon = false;
}

static void no_mgmt(struct doctor_facts *f)
{
	f->has_mgmt = false;
}

static void no_caps(struct doctor_facts *f)
{
	f->caps = 0;
}

static void no_net_raw(struct doctor_facts *f)
{
	f->caps = 1u << 12;
}

static void caps_unseen(struct doctor_facts *f)
{
	f->has_caps = false;
}

static void no_arbiter(struct doctor_facts *f)
{
	f->has_arbiter = false;
}

static void slot_dir_missing(struct doctor_facts *f)
{
	f->slot_dir_error = -ENOENT;
}

static void slot_dir_open(struct doctor_facts *f)
{
	f->is_slot_dir_unsafe = true;
}

static void slot_files_missing(struct doctor_facts *f)
{
	f->adapters[1].missing_files = 3;
}

static void slot_held(struct doctor_facts *f)
{
	f->holders[f->n_holders++] = (struct doctor_holder){ .pid = 42,
							     .comm = "python3",
							     .file = "bleak-cm-hci0-slot-1.lock" };
}

static void slot_held_unseen(struct doctor_facts *f)
{
	slot_held(f);
	f->holders[0].pid = 0;
}

static const struct doctor_case CASES[] = {
	{ no_adapters, "workers", DOCTOR_FAIL, "serves no adapter", "adapters" },
	{ raw_socket, "HCI sockets", DOCTOR_WARN, "hcitool (77)", "end it" },
	{ raw_hidden, "HCI sockets", DOCTOR_SKIP, "root", "" },
	{ doctor_daemon_gone, "daemon", DOCTOR_FAIL, "Connection refused", "start" },
	{ doctor_daemon_gone, "workers", DOCTOR_SKIP, "", "" },
	{ doctor_daemon_gone, "arbiter", DOCTOR_SKIP, "", "" },
	{ doctor_daemon_gone, "MGMT", DOCTOR_SKIP, "", "" },
	{ doctor_daemon_gone, "version", DOCTOR_SKIP, "", "" },
	{ daemon_denied, "daemon", DOCTOR_FAIL, "may not use /run/bleherd", "group" },
	{ daemon_hung, "daemon", DOCTOR_FAIL, "does not answer", "restart" },
	{ daemon_refuses, "daemon", DOCTOR_FAIL, "too many clients", "journal" },
	{ socket_for_all, "socket", DOCTOR_WARN, "0666", "socket_mode" },
	{ daemon_of_yesterday, "version", DOCTOR_WARN, "0.0.9", "restart" },
	{ worker_parked, "workers", DOCTOR_WARN, "hci1 is parked: it died 5 times", "events" },
	{ workers_parked, "workers", DOCTOR_FAIL, "hci0 is parked", "events" },
	{ worker_in_trouble, "workers", DOCTOR_WARN, "hci0: not-powered", "events" },
	{ adapter_without_worker, "workers", DOCTOR_FAIL, "the daemon does not", "bus" },
	{ no_mgmt, "MGMT", DOCTOR_FAIL, "no MGMT socket", "modprobe" },
	{ no_caps, "MGMT", DOCTOR_WARN, "lacks CAP_NET_ADMIN", "AmbientCapabilities" },
	{ no_net_raw, "MGMT", DOCTOR_WARN, "lacks CAP_NET_RAW", "CAP_NET_RAW" },
	{ caps_unseen, "MGMT", DOCTOR_PASS, "cannot be seen", "" },
	{ no_arbiter, "arbiter", DOCTOR_FAIL, "does not run", "slot files" },
	{ slot_dir_missing, "slot files", DOCTOR_FAIL, "/run: No such file", "d /run 0755" },
	{ slot_dir_missing, "slot users", DOCTOR_SKIP, "", "" },
	{ slot_dir_open, "slot files", DOCTOR_WARN, "every user", "chmod go-w /run" },
	{ slot_files_missing, "slot files", DOCTOR_WARN, "share for hci1", "systemd-tmpfiles" },
	{ slot_held, "slot users", DOCTOR_WARN, "slot-1.lock by python3 (42)", "end it" },
	{ slot_held_unseen, "slot users", DOCTOR_WARN, "by a process not visible", "end it" },
};

START_TEST(one_thing_is_wrong)
{
	doctor_try(&CASES[_i]);
}
END_TEST

/* --- the report --- */

static char *report(const struct doctor_facts *facts, bool is_json, bool *out_is_good)
{
	struct out out = { .is_json = is_json };
	char *text = NULL;
	size_t len;

	out.stream = open_memstream(&text, &len);
	*out_is_good = doctor_report(facts, &out);
	ck_assert_int_eq(fclose(out.stream), 0);
	return text;
}

START_TEST(report_fits_80_columns)
{
	struct doctor_facts facts;
	char *text;
	char *line;
	char *rest;
	bool is_good;

	doctor_healthy(&facts);
	doctor_set_kernel(&facts, "6.1.200", "");
	slot_files_missing(&facts);
	/* What others choose must not reach the terminal as it is, nor be cut in the middle. */
	(void)snprintf(facts.bluetoothd_options, sizeof(facts.bluetoothd_options),
		       "--a\033[31m%080d%s", 0, "\xc3\xa4\xc3\xb6\xc3\xbc");
	text = report(&facts, false, &is_good);
	ck_assert(is_good);
	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_nonnull(strstr(text, "WARN  kernel        6.1.200: "));
	ck_assert_ptr_nonnull(strstr(text, "\n                    -> boot 6.1.0-50"));
	ck_assert_ptr_nonnull(strstr(text, "\xc3\xa4\xc3\xb6\xc3\xbc"));
	ck_assert_ptr_nonnull(strstr(text, "18 passed, 2 warnings, 0 failed, 0 skipped\n"));
	rest = text;
	while ((line = strsep(&rest, "\n")))
		ck_assert_msg(words_width(line) <= 80, "%s", line);
	free(text);
}
END_TEST

START_TEST(report_as_json)
{
	struct doctor_facts facts;
	json_error_t error;
	json_t *object;
	json_t *check;
	json_t *checks;
	char *text;
	bool is_good;

	doctor_healthy(&facts);
	doctor_all_off(&facts);
	text = report(&facts, true, &is_good);
	ck_assert(!is_good);
	object = json_loads(text, 0, &error);
	ck_assert_msg(object != NULL, "%s", error.text);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "fail")), 1);
	checks = json_object_get(object, "checks");
	ck_assert_uint_eq(json_array_size(checks), 20);
	check = json_array_get(checks, 9);
	ck_assert_str_eq(json_string_value(json_object_get(check, "check")), "power");
	ck_assert_str_eq(json_string_value(json_object_get(check, "verdict")), "fail");
	ck_assert_str_eq(json_string_value(json_object_get(check, "text")), "off: hci0, hci1");
	json_decref(object);
	free(text);
}
END_TEST

START_TEST(lists_end_with_dots)
{
	char list[24] = "";
	int i;

	for (i = 0; i < 10; i++)
		doctor_list(list, sizeof(list), "hci0");
	ck_assert_str_eq(list, "hci0, hci0, hci0, ...");
}
END_TEST

Suite *suite_doctor_daemon(void)
{
	Suite *suite = suite_create("doctor_daemon");
	TCase *tc = tcase_create("verdicts");

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tc, report_fits_80_columns);
	tcase_add_test(tc, report_as_json);
	tcase_add_test(tc, lists_end_with_dots);
	tcase_add_loop_test(tc, one_thing_is_wrong, 0, (int)ARRAY_LEN(CASES));
	suite_add_tcase(suite, tc);
	return suite;
}
