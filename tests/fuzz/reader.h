/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/fuzz/reader.h - callbacks of a program that reads all that the library gives it, so that
 * the sanitizers see whether it may.
 */
#include "ipc/bleherd.h"

void reader_advert(void *ctx, const struct bh_advert *advert);
void reader_service(void *ctx, const struct bh_service *service);
void reader_device(void *ctx, const struct bh_device *device);
void reader_adapter(void *ctx, const struct bh_adapter *adapter);
void reader_event(void *ctx, const struct bh_event *event);
void reader_status(void *ctx, const struct bh_status *status);
void reader_reset(void *ctx, const struct bh_reset_news *news);
void reader_row(void *ctx, const struct bh_session_row *row);
void reader_transition(void *ctx, const struct bh_transition *transition);
void reader_timing(void *ctx, const struct bh_distribution *timing);
void reader_fd(void *ctx, int fd);
void reader_lock(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news);
void reader_daemon(void *ctx, struct bh_client *client, const struct bh_daemon_news *news);
