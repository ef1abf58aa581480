/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/nic.h"

#include "tests/unit/spec_cases.h"

#define FORM "expected NUMBER[G|M|K](B|b)/s[@NUMBER(us|ms|s)]"
#define MAC_FORM "expected XX:XX:XX:XX:XX:XX"

static const struct spec_case cases[] = {
	{ "", "{}", NULL },
	{ " , ", "{}", NULL },
	{ "bridge=xenbr0", "{\"bridge\":\"xenbr0\"}", NULL },
	{ "mac=00:16:3E:AA:bb:1, ip=192.0.2.5 192.0.2.6 , bridge = br0",
	  "{\"mac\":\"00:16:3e:aa:bb:01\",\"ip\":\"192.0.2.5 192.0.2.6\",\"bridge\":\"br0\"}", NULL },
	{ "mac=00-16-3e-00-00-01", "{\"mac\":\"00:16:3e:00:00:01\"}", NULL },
	{ "backend=dd,devid=3,mtu=9000,model=e1000,script=vif-nat,vifname=v.0,type=ioemu,"
	  "gatewaydev=eth0,untrusted,rate=1MB/s",
	  "{\"backend_domname\":\"dd\",\"devid\":3,\"mtu\":9000,\"model\":\"e1000\",\"ifname\":\"v.0\","
	  "\"script\":\"vif-nat\",\"nictype\":\"vif_ioemu\",\"rate_bytes_per_interval\":50000,"
	  "\"rate_interval_usecs\":50000,\"gatewaydev\":\"eth0\",\"trusted\":\"False\"}", NULL },
	{ "type=vif,trusted,bridge=a,bridge=b",
	  "{\"bridge\":\"b\",\"nictype\":\"vif\",\"trusted\":\"True\"}", NULL },
	{ "forwarddev=f,colo_sock_mirror_id=1,colo_checkpoint_port=2",
	  "{\"coloft_forwarddev\":\"f\",\"colo_sock_mirror_id\":\"1\",\"colo_checkpoint_port\":\"2\"}",
	  NULL },
	{ "link=down,link=up,mtu=1", "{\"mtu\":1}", NULL },
	{ "rate=10Mb/s@20ms", "{\"rate_bytes_per_interval\":25000,\"rate_interval_usecs\":20000}",
	  NULL },
	{ "rate=10Mb/s@20m", "{\"rate_bytes_per_interval\":25000,\"rate_interval_usecs\":20000}",
	  NULL },
	{ "rate=8Mb/s@100us", "{\"rate_bytes_per_interval\":100,\"rate_interval_usecs\":100}", NULL },
	{ "rate=1KB/s@2", "{\"rate_bytes_per_interval\":2000,\"rate_interval_usecs\":2000000}", NULL },
	/* xl carries on after these; the (last) warning is checked. */
	{ "bridg=br0,mtu=1", "{\"mtu\":1}", "unknown vif key 'bridg', did you mean 'bridge'?" },
	{ "quux", "{}", "unknown vif key 'quux', valid are backend, devid, mtu, model, mac, ip, "
	  "bridge, vifname, script, type, rate, gatewaydev, link, trusted, untrusted" },
	{ "mac", "{}", "vif key 'mac' needs a value" },
	{ "trusted=1", "{}", "vif key 'trusted' takes no value" },
	{ "type=netfront", "{}", "unknown vif type 'netfront', valid are ioemu, vif" },
	{ "netdev=eth0", "{\"gatewaydev\":\"eth0\"}",
	  "vif key 'netdev' is deprecated, use gatewaydev" },
	{ "accel=1", "{}", "vif key 'accel' has no effect" },
	{ "mac=01:00:00:00:00:00", "{\"mac\":\"01:00:00:00:00:00\"}", "vif: the mac 01:00:... is a "
	  "multicast address, which a guest cannot have as its own" },
	/* These are errors for us and for xl (a mac it takes as far as it goes). */
	{ "mac=00:16:3e", NULL, "bad mac '00:16:3e', " MAC_FORM },
	{ "mac=00:16:3e:00:00:123", NULL, "bad mac '00:16:3e:00:00:123', " MAC_FORM },
	{ "mac=00:16:3e:00:00:00:00", NULL, "bad mac '00:16:3e:00:00:00:00', " MAC_FORM },
	{ "mac=0x:16:3e:00:00:00", NULL, "bad mac '0x:16:3e:00:00:00', " MAC_FORM },
	{ "mac=", NULL, "bad mac '', " MAC_FORM },
	{ "mac=00:00:00:00:00:00", NULL, "bad mac '00:00:00:00:00:00': all zero is no address, leave "
	  "it out to have one made" },
	{ "link=", NULL, "bad link '', expected up or down" },
	{ "link=downe", NULL, "bad link 'downe', expected up or down" },
	{ "vifname=0123456789abcdef", NULL, "bad vifname '0123456789abcdef', expected 1 to 15 "
	  "characters without '/' and blanks" },
	{ "vifname=../x", NULL, "bad vifname '../x', expected 1 to 15 characters without '/' and "
	  "blanks" },
	{ "model=e1000 -monitor", NULL, "bad model 'e1000 -monitor', expected a name such as e1000, "
	  "rtl8139, virtio-net-pci" },
	{ "mtu=-1", NULL, "mtu is not a number: '-1'" },
	{ "mtu=65536", NULL, "mtu is too large: '65536', at most 65535" },
	{ "devid= 1x", NULL, "devid is not a number: '1x'" },
	{ "rate=", NULL, "bad rate '': " FORM },
	{ "rate=10MB", NULL, "bad rate '10MB': " FORM },
	{ "rate=10MB/s@", NULL, "bad rate '10MB/s@': " FORM },
	{ "rate=10MB/s@1h", NULL, "bad rate '10MB/s@1h': the interval's unit is none of us, ms, s" },
	{ "rate=10MB/sx", NULL, "bad rate '10MB/sx': expected '@' or nothing after '/s'" },
	{ "rate=0B/s", NULL, "bad rate '0B/s': 0 is not possible" },
	{ "rate=1B/s@1us", NULL, "bad rate '1B/s@1us': less than one byte in an interval" },
	{ "rate=99999999999999999999B/s", NULL, "bad rate '99999999999999999999B/s': number too "
	  "large" },
	{ "rate=1B/s@4295s", NULL, "bad rate '1B/s@4295s': interval too long" },
	{ "rate=4296MB/s@4294s", NULL, "bad rate '4296MB/s@4294s': too large" },
	{ "ip=\x1b[2J", NULL, "vif has a control character in it, near 'ip=\\x1b'" },
};

static const struct spec_defaults xl_conf = {
	.vif_script = "vif-x", .vif_bridge = "br9", .vif_backend = "net", .vif_gatewaydev = "gw",
};

static const struct spec_case with_defaults[] = {
	{ "", "{\"backend_domname\":\"net\",\"bridge\":\"br9\",\"script\":\"vif-x\","
	  "\"gatewaydev\":\"gw\"}", NULL },
	{ "bridge=br1,script=vif-y,backend=b", "{\"backend_domname\":\"b\",\"bridge\":\"br1\","
	  "\"script\":\"vif-y\",\"gatewaydev\":\"gw\"}", NULL },
};

SPEC_RUNNER(nic, nic, NIC_INIT)

static int vector(const char *spec, json_t **out, struct err *err)
{
	scoped(nic) struct nic nic = NIC_INIT;
	int rc = nic_parse(spec, NULL, &nic, err);

	return rc < 0 ? rc : nic_to_json(&nic, out, err);
}

static int refuse(void *arg, const char *msg)
{
	(void)arg;
	(void)msg;
	return 1;
}

int main(void)
{
	struct spec_defaults strict = { .warn = refuse };
	struct nic nic = NIC_INIT;
	struct err err = ERR_INIT;

	run_nic(cases, ARRAY_SIZE(cases), NULL);
	run_nic(with_defaults, ARRAY_SIZE(with_defaults), &xl_conf);
	run_vectors("vif-parse-cases.jsonl", vector);

	is_int(nic_parse("bridg=x", &strict, &nic, &err), -EINVAL, "strict: a complaint is an error");
	is_str(err.msg, "unknown vif key 'bridg', did you mean 'bridge'?", "strict: message");
	is_int(nic_parse("accel=1", &strict, &nic, &err), 0, "strict: advice is not");
	nic_free(&nic);
	is_int(nic_parse("link=down", NULL, &nic, &err), 0, "link=down");
	ok(nic.link_down, "link=down is kept");
	nic_free(&nic);
	is_str(nic_colo_node(0), "forwarddev", "first COLO node");
	is_str(nic_colo_node(1), "colo_sock_mirror_id", "second COLO node");
	is_str(nic_colo_node(NIC_COLO_SETTINGS - 1), "colo_checkpoint_port", "last COLO node");
	is_int(nic_parse("bridg=x", NULL, &nic, &err), -EINVAL, "nobody to warn: an error");
	return tap_done();
}
