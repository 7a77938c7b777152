/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/report_style.c - how the pages look, and the head that they share.
 *
 * One set of colours each for light and dark; tests/browser measures that every text has a contrast
 * of 4.5:1 in both. Whatever has a colour also has a word, a shape or a dash pattern.
 */
#include "contrib/soak/report_parts.h"

static const char *const style[] = {
	":root{--back:#fff;--panel:#f5f6f8;--text:#1a1d21;--soft:#565d67;--rule:#d8dce1;"
	"--blue:#0b5cad;--orange:#a94a05;--red:#b42318;--green:#17693a;--violet:#7a3fa0;"
	"--band:#fbe7d3;--bar:#9dc0e3;--margin:56px;color-scheme:light dark}",
	"@media screen and (prefers-color-scheme:dark){:root{--back:#14171a;--panel:#1d2126;"
	"--text:#e6e8eb;--soft:#a3abb6;--rule:#363d45;--blue:#6cb2ff;--orange:#f0a04b;"
	"--red:#ff8a7a;--green:#5ccf8f;--violet:#cf9bf2;--band:#3b2c1c;--bar:#2f5680}}",
	"*{box-sizing:border-box}"
	"html{-webkit-text-size-adjust:100%}"
	"body{margin:0 auto;max-width:1120px;padding:24px 16px 48px;background:var(--back);"
	"color:var(--text);font:15px/1.45 system-ui,sans-serif;overflow-wrap:break-word}",
	"h1{font-size:24px;line-height:1.25;margin:0 0 4px}"
	"h2{font-size:18px;line-height:1.3;margin:36px 0 4px;padding-top:12px;"
	"border-top:1px solid var(--rule)}"
	"h3{font-size:15px;margin:0 0 4px}"
	"p{margin:0 0 10px;max-width:46em}"
	".soft,.note{color:var(--soft)}.note{font-size:13px}",
	".verdict{display:flex;gap:12px;align-items:flex-start;border-left:6px solid;"
	"padding:10px 14px;margin:12px 0;background:var(--panel)}"
	".verdict b{font-size:20px;line-height:1.3;display:block}"
	".verdict .sign{font-size:26px;line-height:1;font-weight:700}"
	".held{border-color:var(--green)}.held .sign,.good{color:var(--green)}"
	".broken{border-color:var(--red)}.broken .sign,.bad{color:var(--red)}"
	".unfinished{border-color:var(--orange)}.unfinished .sign{color:var(--orange)}"
	".bad{font-weight:700}",
	"dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));"
	"gap:8px 16px;margin:12px 0}dl.facts div{min-width:0}"
	"dt{font-size:13px;color:var(--soft)}dd{margin:0}"
	"dl.figures dd{font-size:20px;line-height:1.3;font-variant-numeric:tabular-nums}",
	"code,pre{font:13px/1.5 ui-monospace,monospace}"
	"pre{background:var(--panel);margin:4px 0 12px;padding:10px 12px}"
	"pre.wrap{white-space:pre-wrap;overflow-wrap:anywhere}"
	".scroll{overflow-x:auto;max-width:100%}.trace{max-height:30em;overflow:auto}"
	":focus-visible{outline:2px solid var(--blue)}",
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
	"th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--rule);"
	"vertical-align:top;font-weight:400}"
	"thead th{font-size:13px;color:var(--soft);vertical-align:bottom}"
	"td.n,th.n{text-align:right;white-space:nowrap}"
	"tbody th{min-width:7em}td.spread-cell{width:28%;min-width:120px;padding-right:0}"
	"tr.group th{font-weight:700;padding-top:16px}.best{font-weight:700}",
	".row{display:grid;grid-template-columns:150px minmax(0,1fr);gap:0 10px;margin:14px 0}"
	".row.lane{margin:0}.row>div:first-child{font-size:13px}"
	".row.lane>div:first-child{overflow-wrap:anywhere;line-height:18px}"
	".legend{list-style:none;margin:4px 0;padding:0;font-size:13px;color:var(--soft)}"
	".legend li{display:flex;gap:6px;align-items:center}"
	".legend svg{width:26px;height:12px;flex:none}",
	".box{padding-left:var(--margin);padding-top:8px;min-width:0}"
	".lane .box{padding:3px 0 2px var(--margin)}.legend.wide{display:flex;flex-wrap:wrap;"
	"gap:2px 16px;margin:0;padding-left:var(--margin)}.plot{display:block;overflow:visible}"
	".plot text{font-size:12px;fill:var(--soft);font-variant-numeric:tabular-nums}"
	".plot .y{text-anchor:end}.plot .x{text-anchor:middle}.plot .first{text-anchor:start}"
	".plot .last{text-anchor:end}"
	".grid,.tick{stroke:var(--rule)}"
	"path{fill:none;vector-effect:non-scaling-stroke}",
	".p50{stroke:var(--blue);stroke-width:2.25}.p95{stroke:var(--violet);stroke-width:1.25}"
	".worst{stroke:var(--soft);stroke-width:3.5;stroke-linecap:round}"
	".answered{fill:var(--bar)}.failed{fill:var(--red)}.size{stroke:var(--blue);"
	"stroke-width:1.75}"
	".band{fill:var(--band);stroke:var(--band)}"
	".on{fill:var(--orange);stroke:var(--orange);stroke-width:1.5}"
	".after{fill:var(--bar);stroke:none}"
	".cross{overflow:visible}.cross path{stroke:var(--red);stroke-width:2.5}"
	".cross .halo{stroke:var(--back);stroke-width:6}",
	".lane .plot{background:linear-gradient(var(--rule),var(--rule)) 0 100%/100% 1px no-repeat}"
	".spread{display:block;width:100%;height:16px;margin-top:3px;overflow:visible}"
	".spread .base{stroke:var(--rule)}.spread .thin{stroke:var(--blue);stroke-width:1.5}"
	".spread .thick{stroke:var(--bar);stroke-width:8}.spread circle{fill:var(--blue)}",
	".columns{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:0 32px}"
	".columns>*{min-width:0;margin-top:16px}"
	".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));"
	"gap:20px 28px;margin:16px 0}.cards>div{min-width:0}.cards p{margin:0;font-size:13px}",
	"table.compare{table-layout:fixed;min-width:560px}.compare thead td{width:26%}"
	".bar{display:block;height:6px;background:var(--bar);margin-top:2px;min-width:1px}"
	".run0{stroke:var(--blue)}.run1{stroke:var(--orange);stroke-dasharray:7 3}"
	".run2{stroke:var(--green);stroke-dasharray:2 3}"
	".run3{stroke:var(--violet);stroke-dasharray:9 3 2 3}"
	".run0,.run1,.run2,.run3{stroke-width:2}",
	"@media (max-width:640px){body{padding:16px 12px 32px}"
	".row{grid-template-columns:minmax(0,1fr)}.legend{display:flex;flex-wrap:wrap;gap:2px 12px}"
	".plot .odd{display:none}dl.facts{grid-template-columns:repeat(auto-fill,minmax(120px,1fr))}"
	".legend.wide{padding-left:0}"
	".row.lane .box{padding-top:1px;padding-bottom:5px}th,td{padding-right:10px}}",
	"@media print{body{max-width:none;padding:0;font-size:11pt;print-color-adjust:exact;"
	"-webkit-print-color-adjust:exact}.trace{max-height:none}.scroll{overflow:visible}"
	"tr,.row,.cards>div,.verdict{break-inside:avoid}h2{break-after:avoid}"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere}}",
};

void part_page_begin(FILE *out, const char *title)
{
	/* The policy holds even if some day a string gets past the escaping: nothing may run or
	 * load. */
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      out);
	report_text(out, title);
	fputs("</title>\n<style>\n", out);
	for (size_t i = 0; i < ARRAY_LEN(style); i++)
		fprintf(out, "%s\n", style[i]);
	fputs("</style>\n</head>\n<body>\n", out);
}

void part_page_end(FILE *out)
{
	fputs("</body>\n</html>\n", out);
}

void part_section(FILE *out, const char *id, const char *heading)
{
	fprintf(out, "<section id=\"%s\">\n<h2>%s</h2>\n", id, heading);
}

void part_none(FILE *out, const char *text)
{
	fprintf(out, "<p class=\"soft\">%s</p>\n", text);
}

void part_table_begin(FILE *out, const char *name, const char *const *columns, size_t n)
{
	/* Focusable: a box that scrolls must be reachable by the keyboard. */
	fprintf(out,
		"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>\n"
		"<thead><tr>",
		name);
	for (size_t i = 0; i < n; i++) {
		bool is_number = columns[i][0] == '#';

		fprintf(out, "<th scope=\"col\"%s>%s</th>", is_number ? " class=\"n\"" : "",
			columns[i] + is_number);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
}

void part_table_end(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

void part_row_name(FILE *out, const char *name)
{
	fputs("<tr><th scope=\"row\">", out);
	report_text(out, name);
	fputs("</th>", out);
}

void part_cell(FILE *out, struct report_word word)
{
	fprintf(out, "<td class=\"n\">%s</td>", word.s);
}
