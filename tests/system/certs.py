"""Certificates for the tests, made by openssl: authorities, servers, clients, bad ones."""
import os
import subprocess

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
P384 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]
LOCAL = "subjectAltName=DNS:localhost,IP:127.0.0.1"
CA_CONF = """\
[ca]
default_ca=c
[c]
database={0}/index.txt
serial={0}/serial
new_certs_dir={0}
default_md=sha256
policy=p
x509_extensions=x
[p]
commonName=supplied
[x]
subjectAltName=DNS:localhost,IP:127.0.0.1
"""


class Certs:
    """cert(name), key(name): paths of PEM files."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        for name in ("ours", "foreign"):
            self._run("req", "-x509", *EC, "-nodes", "-days", "3650", "-subj",
                      "/CN=%s authority" % name, "-keyout", self.key(name),
                      "-out", self.cert(name))
        self.make("server", LOCAL)
        self.make("server2", LOCAL)
        self.make("server-rsa", LOCAL, key=["-newkey", "rsa:2048"])
        self.make("server-rsa4096", LOCAL, key=["-newkey", "rsa:4096"])
        self.make("server-p384", LOCAL, key=P384)
        self.make("elsewhere", "subjectAltName=DNS:elsewhere.example,IP:192.0.2.7")
        self.make("client", "extendedKeyUsage=clientAuth")
        self.make("client-rsa", "extendedKeyUsage=clientAuth", key=["-newkey", "rsa:2048"])
        self.make("stranger", "extendedKeyUsage=clientAuth", by="foreign")
        self.make("wrong-use", "extendedKeyUsage=serverAuth")
        self._expired()
        self._run("pkey", "-in", self.key("server"), "-aes128", "-passout", "pass:secret",
                  "-out", self.key("encrypted"))
        self._run("ec", "-in", self.key("server"), "-aes128", "-passout", "pass:secret",
                  "-out", self.key("encrypted-old"))
        self._run("genpkey", "-algorithm", "ed25519", "-out", self.key("ed25519"))
        self._run("req", "-new", "-x509", "-key", self.key("ed25519"), "-subj", "/CN=x",
                  "-days", "99", "-out", self.cert("ed25519"))

    def cert(self, name):
        return os.path.join(self.folder, name + ".pem")

    def key(self, name):
        return os.path.join(self.folder, name + ".key")

    def make(self, name, extension, by="ours", key=EC):
        self._run("req", "-x509", "-CA", self.cert(by), "-CAkey", self.key(by), *key, "-nodes",
                  "-days", "3650", "-subj", "/CN=" + name, "-addext", extension,
                  "-addext", "basicConstraints=CA:FALSE",
                  "-keyout", self.key(name), "-out", self.cert(name))

    def _expired(self):
        at = os.path.join(self.folder, "ca")
        os.makedirs(at)
        for file, text in (("index.txt", ""), ("serial", "77\n"), ("conf", CA_CONF.format(at))):
            with open(os.path.join(at, file), "w") as f:
                f.write(text)
        self._run("req", "-new", *EC, "-nodes", "-subj", "/CN=expired", "-keyout",
                  self.key("expired"), "-out", at + "/csr")
        self._run("ca", "-batch", "-notext", "-config", at + "/conf", "-cert", self.cert("ours"),
                  "-keyfile", self.key("ours"), "-startdate", "20200101000000Z", "-enddate",
                  "20210101000000Z", "-in", at + "/csr", "-out", self.cert("expired"))

    @staticmethod
    def _run(*args):
        done = subprocess.run(["openssl", *args], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
