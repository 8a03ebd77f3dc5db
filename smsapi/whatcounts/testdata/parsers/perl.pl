# Reads a JSON list of {"method", "query", "body", "cookie"} from standard input and
# writes what Perl's CGI makes of them: {"perl cgi/version": [[{name: value}, ...], ...]}.
use strict;
use warnings;
use Encode;
use JSON::PP;
use CGI;

# Bytes travel as Latin-1.
sub utf8_of { return decode("UTF-8", my $bytes = shift // "") }

sub views_of {
    my $a = shift;
    my $body = $a->{body};
    utf8::downgrade($body, 1);
    local %ENV = (
        %ENV,
        GATEWAY_INTERFACE => "CGI/1.1",
        REQUEST_METHOD    => $a->{method},
        QUERY_STRING      => $a->{query},
        CONTENT_LENGTH    => length $body,
        CONTENT_TYPE      => "application/x-www-form-urlencoded",
        HTTP_COOKIE       => $a->{cookie},
    );
    CGI::initialize_globals();
    open(my $in, "<", \$body) or die $!;
    local *STDIN = $in;
    my $cgi = CGI->new;
    my %param = map { utf8_of($_) => utf8_of(scalar $cgi->param($_)) } $cgi->param;
    my %url = map { utf8_of($_) => utf8_of(scalar $cgi->url_param($_)) } grep { defined } $cgi->url_param;
    return [ \%param, \%url, { %url, %param }, { %param, %url } ];
}

my $asked = decode_json(do { local $/; <STDIN> });
local $CGI::LIST_CONTEXT_WARN = 0;
print JSON::PP->new->ascii->encode({ "perl cgi/$CGI::VERSION" => [ map { views_of($_) } @$asked ] });
