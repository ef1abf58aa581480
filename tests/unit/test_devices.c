/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/devices.h"
#include "config/pci.h"

#include "tests/unit/spec_cases.h"

SPEC_RUNNER(pci, pci_dev, PCI_INIT)
SPEC_RUNNER(vfb, vfb, VFB_INIT)
SPEC_RUNNER(vkb, vkb, VKB_INIT)
SPEC_RUNNER(channel, channel, CHANNEL_INIT)
SPEC_RUNNER(p9, p9, P9_INIT)
SPEC_RUNNER(usbctrl, usbctrl, USBCTRL_INIT)
SPEC_RUNNER(usbdev, usbdev, USBDEV_INIT)
SPEC_RUNNER(vtpm, vtpm, VTPM_INIT)
SPEC_RUNNER(pvcalls, pvcalls, PVCALLS_INIT)
SPEC_RUNNER(vdispl, vdispl, VDISPL_INIT)
SPEC_RUNNER(virtio, virtio_dev, VIRTIO_INIT)

static const struct spec_case pci_cases[] = {
	{ "09:00.1", "{\"func\":1,\"bus\":9,\"vfunc_mask\":1}", NULL },
	{ "12:00.2@08", "{\"func\":2,\"bus\":18,\"vdevfn\":64,\"vfunc_mask\":1}", NULL },
	{ "1a2b:ff:1f.7", "{\"func\":7,\"dev\":31,\"bus\":255,\"domain\":6699,\"vfunc_mask\":1}", NULL },
	{ "03:00.*,seize=1", "{\"bus\":3,\"vfunc_mask\":4294967295,\"seize\":true}", NULL },
	{ "3:0.0, permissive=1,msitranslate=1,power_mgmt=1,rdm_policy=Relaxed,vslot=1f",
	  "{\"bus\":3,\"vdevfn\":248,\"vfunc_mask\":1,\"msitranslate\":true,\"power_mgmt\":true,"
	  "\"permissive\":true,\"rdm_policy\":\"relaxed\"}", NULL },
	{ "bdf=03:00.0,seize=0", "{\"bus\":3,\"vfunc_mask\":1}", NULL },
	{ "name=gpu,seize=1", "{\"seize\":true,\"name\":\"gpu\"}", NULL },
	{ "name=gpu,bdf=03:00.0", NULL, "pci spec 'name=gpu,bdf=03:00.0' has an address and a name, "
	  "expected one of them" },
	{ "seize=1", NULL, "pci spec 'seize=1' has no address and no name, expected one of them" },
	{ "", NULL, "bad pci address '', expected [DDDD:]BB:DD.F[@SLOT]" },
	{ "03:20.0", NULL, "bad pci address '03:20.0', expected [DDDD:]BB:DD.F[@SLOT]" },
	{ "100:00.0", NULL, "bad pci address '100:00.0', expected [DDDD:]BB:DD.F[@SLOT]" },
	{ "10000:00:00.0", NULL, "bad pci address '10000:00:00.0', expected [DDDD:]BB:DD.F[@SLOT]" },
	{ "03:00.8", NULL, "bad pci address '03:00.8', expected [DDDD:]BB:DD.F[@SLOT]" },
	{ "03:00", NULL, "bad pci address '03:00', expected [DDDD:]BB:DD.F[@SLOT]" },
	{ "0x3:00.0", NULL, "bad pci address '0x3:00.0', expected [DDDD:]BB:DD.F[@SLOT]" },
	{ "03:00.0@20", NULL, "bad pci slot in '03:00.0@20', expected 0 to 1f" },
	{ "03:00.0@1x", NULL, "bad pci address '03:00.0@1x', near 'x'" },
	{ "03:00.0,vslot=20", NULL, "bad pci slot '20', expected 0 to 1f" },
	{ "03:00.0,permisive=1", NULL, "unknown pci key 'permisive', did you mean 'permissive'?" },
	{ "03:00.0,rdm_policy=none", NULL, "unknown rdm_policy 'none', valid are strict, relaxed" },
};

static const struct spec_defaults pci_defaults = {
	.pci_permissive = true, .pci_seize = true, .pci_rdm_policy = RDM_POLICY_STRICT,
};

static const struct spec_case pci_with_defaults[] = {
	{ "03:00.0,permissive=0", "{\"bus\":3,\"vfunc_mask\":1,\"seize\":true,"
	  "\"rdm_policy\":\"strict\"}", NULL },
};

static const struct spec_case vfb_cases[] = {
	{ "", "{\"vnc\":{},\"sdl\":{}}", NULL },
	{ "type=vnc,vncdisplay=77", "{\"vnc\":{\"display\":77},\"sdl\":{}}", NULL },
	{ "vnc=1,vnclisten=::1,vncpasswd=x,vncunused=0,sdl=0,opengl=1,display=:0,xauthority=/x,"
	  "keymap=fr", "{\"vnc\":{\"enable\":\"True\",\"listen\":\"::1\",\"passwd\":\"x\","
	  "\"findunused\":\"False\"},\"sdl\":{\"enable\":\"False\",\"opengl\":\"True\","
	  "\"display\":\":0\",\"xauthority\":\"/x\"},\"keymap\":\"fr\"}", NULL },
	{ "type=sdl", "{\"vnc\":{\"enable\":\"False\"},\"sdl\":{\"enable\":\"True\"}}", NULL },
	{ "type=x11", "{\"vnc\":{},\"sdl\":{}}", "unknown vfb type 'x11', valid are vnc, sdl" },
	{ "vncdispaly=1", "{\"vnc\":{},\"sdl\":{}}",
	  "unknown vfb key 'vncdispaly', did you mean 'vncdisplay'?" },
	{ "vncdisplay=60000", NULL, "vncdisplay is too large: '60000', at most 59635" },
};

static const struct spec_case vkb_cases[] = {
	{ "backend-type=Linux,backend=b,unique-id=u,feature-disable-keyboard=1,"
	  "feature-disable-pointer=1,feature-abs-pointer=1,feature-raw-pointer=1,width=1,height=2,"
	  "multi-touch-width=3,multi-touch-height=4,multi-touch-num-contacts=5",
	  "{\"backend_domname\":\"b\",\"backend_type\":\"linux\",\"unique_id\":\"u\","
	  "\"feature_disable_keyboard\":true,\"feature_disable_pointer\":true,"
	  "\"feature_abs_pointer\":true,\"feature_raw_pointer\":true,\"feature_multi_touch\":true,"
	  "\"width\":1,\"height\":2,\"multi_touch_width\":3,\"multi_touch_height\":4,"
	  "\"multi_touch_num_contacts\":5}", NULL },
	{ "width=1", NULL, "vkb spec 'width=1' has no backend-type=, qemu or linux" },
	{ "backend-type=x", NULL, "unknown backend-type 'x', valid are qemu, linux" },
	{ "backend-type=qemu,feature-multi-touch=1", NULL, "vkb with feature-multi-touch needs "
	  "multi-touch-width, multi-touch-height and multi-touch-num-contacts" },
};

static const struct spec_case channel_cases[] = {
	{ "name=m, connection=socket, path=/run/x.sock",
	  "{\"name\":\"m\",\"connection.socket\":{\"path\":\"/run/x.sock\"}}", NULL },
	{ "connection=pty,backend=b", "{\"backend_domname\":\"b\",\"connection.pty\":{}}", NULL },
	{ "connection=pty,path=/x", "{\"connection.pty\":{}}", NULL },
	{ "name=m", NULL, "channel spec 'name=m' has no connection=, pty or socket" },
	{ "connection=socket", NULL, "channel spec 'connection=socket' has connection=socket and no "
	  "path=" },
	{ "connection=tcp", NULL, "unknown connection 'tcp', valid are pty, socket" },
	{ "connection=pty,nam=x", "{\"connection.pty\":{}}",
	  "unknown channel key 'nam', did you mean 'name'?" },
};

static const struct spec_case p9_cases[] = {
	{ "tag=t, path=/p, backend=0, security_model=none", "{\"backend_domname\":\"0\",\"tag\":\"t\","
	  "\"path\":\"/p\",\"security_model\":\"none\"}", NULL },
	{ "tag=t,type=xen_9pfsd,max-files=5", "{\"tag\":\"t\",\"type\":\"xen_9pfsd\",\"max_files\":5}",
	  NULL },
	{ "tag=t,path=/p", NULL, "p9 spec 'tag=t,path=/p' has no security_model=" },
	{ "path=/p", NULL, "p9 spec 'path=/p' has no tag=" },
	{ "tag=t,patch=/p", NULL, "unknown p9 key 'patch', did you mean 'path'?" },
};

static const struct spec_case usbctrl_cases[] = {
	{ "", "{}", NULL },
	{ "type=auto, version=2, ports=6", "{\"version\":2,\"ports\":6}", NULL },
	{ "type=DEVICEMODEL", "{\"type\":\"devicemodel\"}", NULL },
	{ "type=usb", NULL, "unknown type 'usb', valid are auto, pv, devicemodel, qusb" },
	{ "version=4", NULL, "version is too large: '4', at most 3" },
	{ "hub", NULL, "unknown usbctrl key 'hub', valid are type, version, ports" },
};

static const struct spec_case usbdev_cases[] = {
	{ "hostbus=3,hostaddr=0x2,controller=0,port=0",
	  "{\"ctrl\":0,\"type.hostdev\":{\"hostbus\":3,\"hostaddr\":2}}", NULL },
	{ "type=hostdev,hostbus=1,hostaddr=2,port=4",
	  "{\"port\":4,\"type.hostdev\":{\"hostbus\":1,\"hostaddr\":2}}", NULL },
	{ "hostbus=1", NULL, "usbdev spec 'hostbus=1' has no hostaddr=" },
	{ "hostbus=256,hostaddr=1", NULL, "hostbus is too large: '256', at most 255" },
};

static const struct spec_case vtpm_cases[] = {
	{ "backend=v,uuid=AC0ED3A0-0000-4000-8000-000000000001",
	  "{\"backend_domname\":\"v\",\"uuid\":\"ac0ed3a0-0000-4000-8000-000000000001\"}", NULL },
	{ "backend=v", "{\"backend_domname\":\"v\"}", NULL },
	{ "uuid=x,backend=v", NULL, "bad uuid 'x'" },
	{ "", NULL, "vtpm spec '' has no backend=" },
};

static const struct spec_case pvcalls_cases[] = {
	{ "", "{}", NULL },
	{ "backend=d", "{\"backend_domname\":\"d\"}", NULL },
	{ "backed=d", NULL, "unknown pvcalls key 'backed', did you mean 'backend'?" },
};

static const struct spec_case vdispl_cases[] = {
	{ "backend=d,be-alloc=1,connectors=id0:1920x1080;id1:800x600",
	  "{\"backend_domname\":\"d\",\"be_alloc\":true,\"connectors\":[{\"unique_id\":\"id0\","
	  "\"width\":1920,\"height\":1080},{\"unique_id\":\"id1\",\"width\":800,\"height\":600}]}",
	  NULL },
	{ "be-alloc=1", NULL, "vdispl spec 'be-alloc=1' has no connectors=" },
	{ "connectors=1920x1080", NULL, "bad connector '1920x1080', expected ID:WIDTHxHEIGHT" },
	{ "connectors=a:1x", NULL, "bad size '1x' of connector 'a'" },
};

static const struct spec_case virtio_cases[] = {
	{ "type=virtio,device22,transport=mmio,grant_usage=0", NULL,
	  "unknown virtio key 'device22', valid are backend, type, transport, grant_usage" },
	{ "type=virtio-device22,transport=mmio,grant_usage=0", "{\"type\":\"virtio-device22\","
	  "\"transport\":\"mmio\",\"grant_usage\":\"False\"}", NULL },
};

static const struct {
	const char *items[5];
	const char *json, *message;
} vsnd_cases[] = {
	{ { "card, backend=d, short-name=s, buffer-size=65536", "PCM,name=p,sample-rates=8000;48000",
	    "stream,unique-id=a,type=P", "stream,type=c,sample-formats=s8;S16_LE,channels-min=1" },
	  "{\"backend_domname\":\"d\",\"short_name\":\"s\",\"params\":{\"buffer_size\":65536},"
	  "\"pcms\":[{\"name\":\"p\",\"params\":{\"sample_rates\":[8000,48000]},\"streams\":["
	  "{\"unique_id\":\"a\",\"type\":\"p\",\"params\":{}},{\"type\":\"c\",\"params\":{"
	  "\"sample_formats\":[\"s8\",\"s16_le\"],\"channels_min\":1}}]}]}", NULL },
	{ { "stream" }, "{\"params\":{},\"pcms\":[{\"params\":{},\"streams\":[{\"params\":{}}]}]}",
	  NULL },
	{ { "tape,x=1" }, NULL, "unknown vsnd item 'tape', valid are card, pcm, stream" },
	{ { "" }, NULL, "unknown vsnd item '', valid are card, pcm, stream" },
	{ { "pcm,nmae=1" }, NULL, "unknown vsnd pcm key 'nmae', did you mean 'name'?" },
	{ { "pcm,sample-rates=x" }, NULL, "sample rate is not a number: 'x'" },
};

static void check_vsnd(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(vsnd_cases); i++) {
		const char *const *items = vsnd_cases[i].items;
		struct vsnd vsnd = VSND_INIT, again = VSND_INIT;
		json_t *json = NULL, *json2 = NULL;
		struct err err = ERR_INIT;
		scoped(free) char *text = NULL;
		unsigned int nr = 0;
		int rc;

		while (items[nr])
			nr++;
		rc = vsnd_parse(items, nr, &vsnd, &err);
		if (rc == 0)
			rc = vsnd_to_json(&vsnd, &json, &err);
		text = rc == 0 ? compact(json) : NULL;
		is_str(text, vsnd_cases[i].json, "vsnd %s", items[0]);
		if (vsnd_cases[i].message)
			is_str(err.msg, vsnd_cases[i].message, "vsnd %s: message", items[0]);
		if (rc == 0 && vsnd_from_json(json, &again, &err) == 0 &&
		    vsnd_to_json(&again, &json2, &err) == 0)
			ok(json_equal(json, json2), "vsnd %s: read back", items[0]);
		vsnd_free(&vsnd);
		vsnd_free(&again);
		json_decref(json);
		json_decref(json2);
	}
}

/* JSON that no libxl wrote. */
static const struct {
	const char *json, *message;
} bad_json[] = {
	{ "[]", "channel: not an object" },
	{ "{\"devid\":\"0\"}", "channel: field 'devid' is not a number from 0 on" },
	{ "{\"devid\":-1}", "channel: field 'devid' is not a number from 0 on" },
	{ "{\"devid\":2147483648}", "channel: field 'devid' is not a device number" },
	{ "{\"backend_domid\":4294967296}", "channel: field 'backend_domid' is not a number of 32 bits" },
	{ "{\"name\":1}", "channel: field 'name' is not a string" },
	{ "{\"connection.socket\":[]}", "channel: not an object" },
	{ "{\"name\":\"x\",\"connection.socket\":{\"path\":{}}}", "channel: field 'path' is not a string" },
};

int main(void)
{
	run_pci(pci_cases, ARRAY_SIZE(pci_cases), NULL);
	run_pci(pci_with_defaults, ARRAY_SIZE(pci_with_defaults), &pci_defaults);
	run_vfb(vfb_cases, ARRAY_SIZE(vfb_cases), NULL);
	run_vkb(vkb_cases, ARRAY_SIZE(vkb_cases), NULL);
	run_channel(channel_cases, ARRAY_SIZE(channel_cases), NULL);
	run_p9(p9_cases, ARRAY_SIZE(p9_cases), NULL);
	run_usbctrl(usbctrl_cases, ARRAY_SIZE(usbctrl_cases), NULL);
	run_usbdev(usbdev_cases, ARRAY_SIZE(usbdev_cases), NULL);
	run_vtpm(vtpm_cases, ARRAY_SIZE(vtpm_cases), NULL);
	run_pvcalls(pvcalls_cases, ARRAY_SIZE(pvcalls_cases), NULL);
	run_vdispl(vdispl_cases, ARRAY_SIZE(vdispl_cases), NULL);
	run_virtio(virtio_cases, ARRAY_SIZE(virtio_cases), NULL);
	check_vsnd();
	for (size_t i = 0; i < ARRAY_SIZE(bad_json); i++) {
		json_t *json = json_loads(bad_json[i].json, 0, NULL);
		struct channel channel = CHANNEL_INIT;
		struct err err = ERR_INIT;

		is_int(channel_from_json(json, &channel, &err) < 0, 1, "%s is refused",
		       bad_json[i].json);
		is_str(err.msg, bad_json[i].message, "%s: message", bad_json[i].json);
		json_decref(json);
		ok(channel_to_json(&channel, &json, &err) == 0 && json_object_size(json) == 0,
		   "%s: nothing is left of it", bad_json[i].json);
		channel_free(&channel);
		json_decref(json);
	}
	return tap_done();
}
