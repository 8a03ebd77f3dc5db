# Reads a JSON list of {"query", "body"} from standard input and writes what
# Perl's CGI makes of them: {"parser": [[{name: value}, ...], ...]}.
use strict;
use warnings;
use JSON::PP;
use CGI;

local $/;
my @out;
for my $a (@{ decode_json(<STDIN>) }) {
    my @views;
    for my $text ($a->{query}, $a->{body}, "$a->{body}&$a->{query}") {
        utf8::downgrade($text, 1);
        my $cgi = CGI->new($text);
        push @views, { map { $_ => scalar $cgi->param($_) } $cgi->param };
    }
    push @out, \@views;
}
print JSON::PP->new->ascii->encode({ "perl cgi" => \@out });
