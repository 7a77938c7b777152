# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts measured as the figures of the design's section 12, and these as a table."""
import itertools

from all_rows import DESIGN, FURTHER, Share

WIDTH = 80
LAB_PARTS = ("contend", "dirty")


def figure_text(value):
    """Three digits that mean something, and a zero that is one."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 \
        else f"{value:.2g}"


# --- gathering ---

def find(parts, at):
    """The figure there as {"value", "runs"}, and None; or None, and why there is none."""
    part = parts.get(at.part)
    if part is None:
        return None, f"{at.part} was not run" + (", LAB=1 does" if at.part in LAB_PARTS else "")
    if at.section not in part["sections"]:
        return None, f"section {at.section} of {at.part} was not run"
    rows = [row for row in part["rows"]
            if row["section"] == at.section and row["how"] == at.how]
    kept = rows[at.nth]["figures"].get(at.key) if len(rows) > at.nth else None
    if kept is None or kept["median"] is None:
        return None, f"{at.part} has no row '{at.how}' with {at.key}"
    return {"value": kept["median"], "runs": kept["runs"]}, None


def judge(goal, value, ratio):
    """Whether the goal is reached: None where there is no goal, or nothing to hold it against."""
    if isinstance(goal, Share):
        return None if ratio is None else ratio <= goal.limit
    return None if goal is None else value <= goal


def gathered(parts, row, figure, in_design):
    record = {"row": row.title, "figure": figure.name, "unit": figure.unit, "design": in_design,
              "floor": figure.floor, "beside": row.beside, "is_own": figure.is_own,
              "is_again": figure.is_again,
              "goal": None if figure.goal is None else
              {"share": figure.goal.limit, "words": figure.goal.words}
              if isinstance(figure.goal, Share) else {"limit": figure.goal}}
    ours, why = find(parts, figure.ours)
    if ours is None:
        return dict(record, ours=None, why=why)
    beside = find(parts, figure.beside)[0] if figure.beside else None
    ratio = ours["value"] / beside["value"] if beside and beside["value"] else None
    return dict(record, ours=ours, peer=beside, ratio=ratio and round(ratio, 5),
                reached=judge(figure.goal, ours["value"], ratio))


def gather(parts):
    """@parts: name -> {"sections", "rows"}. Returns the figures, in the order of the design."""
    return [gathered(parts, row, figure, rows is DESIGN)
            for rows in (DESIGN, FURTHER) for row in rows for figure in row.figures]


# --- the table ---

def goal_text(goal):
    if goal is None:
        return ""
    return f"<= {goal['words']}" if "share" in goal else f"<= {goal['limit']:g}"


def print_row(row, records):
    """@records: of that row. What is missing for one reason is said once."""
    beside = records[0]["beside"] and f"beside: {records[0]['beside']}"
    print(f"{row}{beside:>{WIDTH - len(row)}}".rstrip())
    missing = {record.get("why") for record in records}
    if len(missing) == 1 and None not in missing:
        print(f"  not measured: {missing.pop()}")
        return
    for record in records:
        print_figure(record)


def print_figure(record):
    name = f"  {record['figure']}"
    if record["ours"] is None:
        print(f"{name:<26} not measured: {record['why']}")
        return
    unit = record["unit"] if record["unit"] != "times" else ""
    peer = figure_text(record["peer"]["value"]) if record["peer"] else ""
    ratio = figure_text(record["ratio"]) if record["ratio"] is not None else ""
    reached = {None: "", True: "yes", False: "SHORT"}[record["reached"]]
    print(f"{name:<26} {figure_text(record['ours']['value']):>6} {unit:<3} {peer:>7} {ratio:>7} "
          f"{record['floor']:>9} {goal_text(record['goal']):>8} {reached:>6}".rstrip())


def heading(of):
    load = " ".join(str(load) for load in of["load"])
    print(f"bleherd {of['version']} at {of['commit']}, {of['date']}")
    print(f"{of['cpu']}, {of['cores']} cores, Linux {of['kernel']}, load {load}")


def print_table(result):
    heading(result["machine"])
    print("Medians of alternating runs, less is better. ratio: ours / beside; floor: bare C.\n")
    print(f"{'':<26} {'ours':>10} {'beside':>7} {'ratio':>7} {'floor':>9} {'goal':>8} "
          f"{'':>6}".rstrip())
    in_design = True
    for (is_design, row), records in itertools.groupby(
            result["figures"], lambda record: (record["design"], record["row"])):
        if is_design != in_design:
            in_design = is_design
            print("\n--- and besides what the design has ---")
        print_row(row, list(records))
    judged = [record["reached"] for record in result["figures"] if record["ours"]]
    missing = sum(record["ours"] is None for record in result["figures"])
    print(f"\ngoals reached: {judged.count(True)}; short: {judged.count(False)}; "
          f"figures not measured: {missing}")

