#!/bin/sh
# make_certs.sh DIR: makes the certificates and keys of test_tls.c there, with openssl.
set -eu
mkdir -p "$1"
cd "$1"
days=3650
authority() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days \
        -subj "/CN=$1 authority" -keyout "$1.key" -out "$1.pem"
}
signed() { # NAME AUTHORITY EXTENSIONS KEY-OPTIONS...
    name=$1 by=$2 extensions=$3
    shift 3
    openssl req -new -nodes -subj "/CN=$name" "$@" -keyout "$name.key" -out "$name.csr"
    echo "$extensions" >ext
    openssl x509 -req -in "$name.csr" -CA "$by.pem" -CAkey "$by.key" -days $days \
        -extfile ext -out "$name.pem"
    rm -f "$name.csr" ext
}
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256'
authority ours
authority foreign
# shellcheck disable=SC2086
{
    signed server ours 'subjectAltName=DNS:localhost,IP:127.0.0.1' $ec
    signed server-rsa ours 'subjectAltName=DNS:localhost' -newkey rsa:2048
    signed client ours 'extendedKeyUsage=clientAuth' $ec
    signed stranger foreign 'extendedKeyUsage=clientAuth' $ec
}
openssl pkey -in server.key -aes128 -passout pass:secret -out server-encrypted.key
openssl genpkey -algorithm ed25519 -out ed25519.key
openssl req -new -x509 -key ed25519.key -subj /CN=ed25519 -days $days -out ed25519.pem
rm -f ./*.srl
