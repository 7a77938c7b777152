/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/main.c - bleherd-sim: one device model, one face, the faults and the control socket.
 *
 * Everything lives in one struct here, on one sd-event loop; SIGTERM and SIGINT end it cleanly.
 * Exit status: 0 ended by a signal, 1 failed, 2 wrong command line or fault file.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "contrib/sim/control.h"
#include "contrib/sim/fake.h"
#include "contrib/sim/faults.h"
#include "contrib/sim/model.h"
#include "contrib/sim/options.h"
#include "contrib/sim/plan_run.h"
#include "contrib/sim/radio.h"
#include "contrib/sim/writelog.h"

#define EXIT_USAGE 2

struct sim {
	struct options options;
	sd_event *event;
	struct model *model;
	struct writelog writelog;
	struct faults *faults;
	struct fake *fake;
	struct radio_face *radio;
	struct plan_run *plan;
	struct control *control;
};

static int failed(const char *what, const char *name, int r)
{
	(void)fprintf(stderr, "bleherd-sim: %s%s%s: %s\n", what, name ? " " : "", name ? name : "",
		      strerror(-r));
	return r;
}

static int start_loop(struct sim *sim)
{
	sigset_t mask;
	int r;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return failed("signals", NULL, -errno);
	r = sd_event_new(&sim->event);
	/* Without a handler sd-event leaves the loop with status 0: that is all we want. */
	if (r >= 0)
		r = sd_event_add_signal(sim->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(sim->event, NULL, SIGINT, NULL, NULL);
	return r < 0 ? failed("event loop", NULL, r) : 0;
}

static int start_model(struct sim *sim)
{
	int r;

	r = model_new(&sim->model, &sim->options.model);
	if (r < 0)
		return failed("device model", NULL, r);
	if (sim->options.write_log) {
		r = writelog_open(&sim->writelog, sim->options.write_log);
		if (r < 0)
			return failed("write log", sim->options.write_log, r);
		model_set_write_observer(sim->model, writelog_observe, &sim->writelog);
	}
	r = faults_new(&sim->faults, sim->model);
	if (r == 0)
		r = faults_register(sim->faults, faults_model_table, faults_model_count,
				    sim->model);
	return r < 0 ? failed("faults", NULL, r) : 0;
}

static int start_face(struct sim *sim)
{
	int r;

	if (sim->options.vhci) {
		r = radio_face_new(&sim->radio, sim->model, sim->event, &sim->options.radio);
		if (r < 0)
			return failed("software radio on /dev/vhci", NULL, r);
		return faults_register(sim->faults, radio_fault_table, radio_fault_count,
				       sim->radio);
	}
	r = fake_new(&sim->fake, sim->model, sim->event, &sim->options.fake);
	if (r < 0)
		return failed("fake bluetoothd on", sim->options.fake.bus_address, r);
	r = faults_register(sim->faults, fake_fault_table, fake_fault_count, sim->fake);
	if (r < 0)
		return r;
	return faults_register(sim->faults, fake_air_fault_table, fake_air_fault_count, sim->fake);
}

static int start_plan(struct sim *sim)
{
	const struct plan_run_options options = {
		.path = sim->options.faults,
		.log_path = sim->options.fault_log,
		.face = sim->radio ? PLAN_LAB : PLAN_FAKE,
		.seed = sim->options.model.seed,
		.is_waiting = sim->options.faults_wait,
		.trigger = sim->radio ? radio_trigger : fake_trigger,
	};
	int r;

	if (!options.path)
		return 0;
	r = plan_run_new(&sim->plan, sim->event, sim->faults, sim->model, &options);
	if (r < 0)
		return r == -EINVAL ? r : failed("faults", options.path, r);
	if (sim->radio)
		radio_watch(sim->radio, plan_run_see, sim->plan);
	else
		fake_watch(sim->fake, plan_run_see, sim->plan);
	return faults_register(sim->faults, plan_run_table, plan_run_count, sim->plan);
}

static int start_control(struct sim *sim)
{
	int r;

	if (sim->options.control) {
		r = control_new(&sim->control, sim->event, sim->options.control, sim->faults);
		if (r < 0)
			return failed("control socket", sim->options.control, r);
	}
	if (sim->options.ready_fd && write((int)sim->options.ready_fd, "\n", 1) < 0)
		return failed("ready-fd", NULL, -errno);
	return 0;
}

static void stop(struct sim *sim)
{
	sim->control = control_free(sim->control);
	sim->plan = plan_run_free(sim->plan);
	sim->radio = radio_face_free(sim->radio);
	sim->fake = fake_free(sim->fake);
	sim->faults = faults_free(sim->faults);
	sim->model = model_free(sim->model);
	writelog_close(&sim->writelog);
	sim->event = sd_event_unref(sim->event);
}

int main(int argc, char **argv)
{
	struct sim sim = { .writelog = { .fd = -EBADF } };
	const pid_t parent = getppid();
	int r;

	r = options_parse(&sim.options, argc, argv);
	if (r != 0)
		return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	/* The parent may have gone before the kernel was asked to tell us. */
	if (sim.options.die_with_parent &&
	    (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent))
		return EXIT_FAILURE;
	r = start_loop(&sim);
	if (r == 0)
		r = start_model(&sim);
	if (r == 0)
		r = start_face(&sim);
	if (r == 0)
		r = start_plan(&sim);
	if (r == 0)
		r = start_control(&sim);
	if (r == 0)
		r = sd_event_loop(sim.event);
	stop(&sim);
	if (r == -EINVAL)
		return EXIT_USAGE;
	return r < 0 ? EXIT_FAILURE : r;
}
