<?php
// Reads a JSON list of {"query", "body"} from standard input and writes what PHP
// makes of them: {"parser": [[{name: value}, ...], ...]}. Bytes travel as Latin-1.
function text($value) {
    return is_array($value) ? implode(",", array_map("text", $value)) : $value;
}
function vars($s) {
    parse_str(mb_convert_encoding($s, "ISO-8859-1", "UTF-8"), $vars);
    return $vars;
}
function view($vars) {
    $view = [];
    foreach ($vars as $name => $value) {
        $view[mb_convert_encoding((string) $name, "UTF-8", "ISO-8859-1")] = mb_convert_encoding(text($value), "UTF-8", "ISO-8859-1");
    }
    return (object) $view;
}
$out = [];
foreach (json_decode(stream_get_contents(STDIN), true) as $a) {
    $out[] = [view(array_merge(vars($a["query"]), vars($a["body"]))), view(array_merge(vars($a["body"]), vars($a["query"])))];
}
echo json_encode(["php" => $out]);
