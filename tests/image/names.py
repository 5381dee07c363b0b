"""A name server on loopback, as a cluster has one: `broker` is found as
`broker.deskmesh.svc.cluster.local`.
"""

from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

# An address of its own: programs ask on port 53 and no other, and the usual one may be taken.
ADDRESS = "127.53.0.53"
DOMAIN = "deskmesh.svc.cluster.local"
BROKER = "broker"
# Of the hosts file, which container engines and kubelets write.
DATABASE = "localhost"
HOSTS = "127.0.0.1 localhost\n"
# ndots:5 is what kubelets write: the domain is tried first.
RESOLV = f"nameserver {ADDRESS}\nsearch {DOMAIN} svc.cluster.local cluster.local\noptions ndots:5\n"


class Names(BaseResolver):
    """Knows one name, and remembers who asked for what."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.server = DNSServer(self, address=ADDRESS, port=53, logger=DNSLogger("error"))

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        name = str(request.q.qname).rstrip(".").lower()
        self.asked.append(name)
        reply = request.reply()
        if name != f"{BROKER}.{DOMAIN}":
            reply.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.A:
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A("127.0.0.1"), ttl=5))
        return reply
