//! How the page looks: one column on a phone, two on a desktop.

/// The sheet, besides the colours and the charts.
pub(super) const PAGE: &str = "\
*{box-sizing:border-box}\
html{-webkit-text-size-adjust:100%}\
body{margin:0;background:var(--ground);color:var(--ink);\
font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;\
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}\
main,header,footer{max-width:1080px;margin:0 auto;padding:0 20px}\
header{padding-top:44px}\
h1{font-size:28px;line-height:1.2;letter-spacing:-.015em;margin:0 0 6px}\
h2{font-size:19px;line-height:1.3;margin:44px 0 12px}\
h3{font-size:16px;line-height:1.3;margin:0}\
p{margin:0}\
.soft,footer{color:var(--soft)}\
.facts{display:grid;grid-template-columns:repeat(3,1fr);gap:14px;margin:24px 0 0;padding:0}\
.facts div,.card{background:var(--card);border-radius:10px;padding:16px 18px;min-width:0}\
.facts dt{color:var(--soft);font-size:14px}\
.facts dd{margin:2px 0 0;font-size:21px;font-weight:600;line-height:1.3}\
.facts small{display:block;font-size:14px;font-weight:400;color:var(--soft)}\
.cards{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:14px}\
.card p{font-size:14px}\
.chart{display:block;width:100%;height:auto;margin-top:12px}\
table{width:100%;border-collapse:collapse;font-size:15px;margin:0 0 20px}\
caption{text-align:left;font-weight:600;padding:0 0 6px}\
th,td{text-align:left;vertical-align:top;padding:9px 18px 9px 0;border-bottom:1px solid var(--rule)}\
th:last-child,td:last-child{padding-right:0}\
thead th{color:var(--soft);font-size:14px;font-weight:500;padding-bottom:6px}\
tbody th{font-weight:600}\
.number{text-align:right;white-space:nowrap}\
code{font:13.5px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:nowrap}\
.alert{color:var(--alert);font-weight:600}\
.now{color:var(--accent);font-weight:600}\
small{font-size:14px;color:var(--soft);display:block}\
footer{padding-top:28px;padding-bottom:44px;font-size:14px}\
@media (max-width:760px){\
header{padding-top:28px}h1{font-size:24px}h2{margin-top:34px}\
.facts,.cards{grid-template-columns:minmax(0,1fr)}\
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\
table,tbody,tr,caption{display:block}\
tr{padding:10px 0;border-bottom:1px solid var(--rule)}\
th,td,.number{border:0;text-align:left;white-space:normal}\
tbody th,tbody td{display:grid;grid-template-columns:8.5em minmax(0,1fr);padding:2px 0}\
tbody td::before,tbody th::before{content:attr(data-label);color:var(--soft);font-weight:400;font-size:14px}\
}\
@media print{.card,.facts div{border:1px solid var(--rule)}}";
