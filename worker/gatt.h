/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/gatt.h - services, reads and writes on a link that is up.
 *
 * One operation at a time per characteristic, since BlueZ answers InProgress to a second write
 * (reference/lab-facts.md); reads that meet a read under way share its answer. Called by link.c
 * with requests in the order of their session.
 */
#include "worker/gatt_db.h"
#include "worker/link.h"

/**
 * gatt_try() - issue a request whose turn it is, or answer it
 * Returns false if it has to wait: its characteristic is busy, or the page is full.
 */
bool gatt_try(struct link *link, struct request *request);

/* The characteristic that a request means; NULL: it has been answered. @flags: any of these. */
struct gatt_chrc *gatt_target(struct link *link, struct request *request, uint32_t flags,
			      const char *refusal);

/* Answers SERVICES_REQUEST: these are what it has. */
void gatt_answer_services(struct request *request, const struct gatt_db *db);

/* The path of a characteristic. */
void gatt_path(const struct link *link, const struct gatt_chrc *chrc, char *out_path);

/* Whether one of our own reads of it is under way (its Value signal is an echo). */
bool gatt_is_reading(const struct link *link, uint16_t chrc);

/* Whether the peripheral did not answer within ATT's own 30 s, or its link was being torn down. */
bool gatt_is_unanswered(const struct bus_result *result);
