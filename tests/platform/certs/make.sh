#!/bin/sh
# Makes the certificates of this folder anew (openssl 3, any directory). They are for tests only: the
# server's key is public, and the key of the CA is thrown away, so that nobody can sign with it again.
#
#   ca.pem          trust this one
#   good.pem        localhost, 127.0.0.1, ::1; 100 years
#   expired.pem     the same names; ended in 2001
#   wrong_host.pem  wrong-host.example alone; 100 years
#   server.key      the key of all three
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/issued"
: >"$work/index"
cat >"$work/openssl.cnf" <<END
[req]
distinguished_name = name
[name]
[ca_extensions]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = tests
[tests]
database = $work/index
new_certs_dir = $work/issued
rand_serial = yes
default_md = sha256
unique_subject = no
policy = policy
[policy]
commonName = supplied
[here]
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[elsewhere]
subjectAltName = DNS:wrong-host.example
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END

new_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}

# request KEY COMMON_NAME, answered by: sign NAME EXTENSIONS FROM UNTIL
# All dates are given: a certificate from today would be refused by a clock that is behind.
request() {
    openssl req -new -config "$work/openssl.cnf" -key "$1" -subj "/CN=$2" -out "$work/request"
}

sign() {
    name=$1 extensions=$2 from=$3 until=$4
    shift 4
    openssl ca -batch -notext -config "$work/openssl.cnf" -keyfile "$work/ca.key" -in "$work/request" \
        -extensions "$extensions" -startdate "$from" -enddate "$until" -out "$name.pem" "$@"
}

new_key "$work/ca.key"
new_key server.key
request "$work/ca.key" "Argus test CA"
sign ca ca_extensions 20000101000000Z 21240101000000Z -selfsign
request server.key localhost
sign good here 20240101000000Z 21240101000000Z -cert ca.pem
sign expired here 20000101000000Z 20010101000000Z -cert ca.pem
request server.key wrong-host.example
sign wrong_host elsewhere 20240101000000Z 21240101000000Z -cert ca.pem
