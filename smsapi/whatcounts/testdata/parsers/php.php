<?php
// A router for PHP's built-in server. It answers each request with what PHP makes
// of its arguments: {"php/version": [{name: value}, ...]}.
function text($value) {
    return is_array($value) ? implode(",", array_map("text", $value)) : $value;
}
function view($vars) {
    $view = [];
    foreach ($vars as $name => $value) {
        $view[(string) $name] = text($value);
    }
    return (object) $view;
}
// Without a php.ini $_REQUEST is query, body and cookies; the usual php.ini leaves
// the cookies out. Some applications prefer the query.
$views = [view($_REQUEST), view($_POST + $_GET), view($_GET + $_POST), view($_GET), view($_POST)];
echo json_encode(["php/" . PHP_VERSION => $views], JSON_INVALID_UTF8_SUBSTITUTE);
