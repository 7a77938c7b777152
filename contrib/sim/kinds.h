/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/kinds.h - the kinds of device there are: one attribute table and its behaviours each.
 *
 * A new kind is a table and functions in kinds.c and a line here; model.c picks the kind.
 */
#include "contrib/sim/model.h"

/* The plain peripheral: GAP, GATT, fff0 (echo, counter, indication, long value), info, battery. */
extern const struct model_kind kind_plain;
