#!/bin/sh
# Installs the Debian packages of `make deb` over a copy of this system, starts the service there as
# its unit does, as far as that goes without systemd, asks it, and removes the packages again. Prints a
# line a step; exit code 1 at the first that fails. Nothing of this system changes. Needs root, an
# overlay file system, curl, util-linux and, for the calls that the unit's filter lets through, strace.
# Usage: tools/try_service_package.sh FOLDER_OF_PACKAGES
set -eu
if [ "${2:-}" != inside ]; then
  exec unshare --mount --net --pid --fork "$0" "$(realpath "$1")" inside
fi

place=$(mktemp -d)
trap 'umount -lR "$place"; rmdir "$place"' EXIT
mount -t tmpfs tmpfs "$place"
mkdir "$place/upper" "$place/work" "$place/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
mount -t proc proc "$place/root/proc"
mount --rbind /dev "$place/root/dev"
mkdir "$place/root/packages"
cp "$1"/retinaface*.deb "$place/root/packages"
ip link set lo up 2>/dev/null || ifconfig lo up

chroot "$place/root" sh -eu <<'INSIDE'
unit=/usr/lib/systemd/system/retinaface.service
dpkg -i /packages/*.deb > /packages/log 2>&1 || { cat /packages/log; exit 1; }
echo "ok the packages are installed"
systemd-analyze verify $unit
echo "ok systemd-analyze verify"
systemd-analyze security --offline=true --threshold=20 --no-pager $unit | tail -1

# As the unit has it: no file that can be written, nobody's user, no capability, none to be gained.
mount --bind / /
mount -t tmpfs tmpfs /tmp
chmod 1777 /tmp
mount -o remount,ro,bind /
trace=/tmp/trace
command -v strace > /dev/null && tracer="strace -f -qq -o $trace" || tracer=
options=$(sed -n 's/^Environment="RETINAFACE_OPTIONS=\(.*\)"$/\1/p' $unit)
umask 077
# shellcheck disable=SC2086  # words of their own, as the unit has them
$tracer setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all \
  --ambient-caps=-all --no-new-privs env -i /usr/bin/retinaface serve $options > /tmp/out 2>&1 &
pid=$!
for _ in $(seq 100); do
  [ -s /tmp/out ] && break
  sleep 0.1
done
url=$(sed -n 's#/$##p' /tmp/out)
[ -n "$url" ] || { cat /tmp/out; exit 1; }
image=/usr/share/doc/retinaface/faces.jpg
curl -sf --data-binary @$image "$url/v1/detect?mesh" | grep -q '"vertices"'
curl -sf --data-binary @$image "$url/v1/align" | grep -q '"aligned"'
curl -sf --data-binary @$image "$url/v1/blur" -o /tmp/blurred.jpg
for path in / /healthz /readyz /metrics /openapi.json /v1/models /v1/topology; do
  curl -sf "$url$path" -o /dev/null
done
echo "ok it answers as nobody, from a system that it cannot write to"
child=$(pgrep -x retinaface)
kill -TERM "$child"
wait $pid
echo "ok it ends well"

if [ -n "$tracer" ]; then
  # The calls after the program has begun; those before are setpriv's.
  sed -n '/execve("\/usr\/bin\/retinaface"/,$p' $trace | sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' |
    sort -u > /tmp/used
  allowed() {
    systemd-analyze syscall-filter "$1" | sed -nE '2,$s/^ +([@a-z0-9_-]+)$/\1/p' | while read -r name; do
      case $name in @*) allowed "$name" ;; *) echo "$name" ;; esac
    done
  }
  allowed @system-service | sort -u > /tmp/allowed
  { allowed @privileged; allowed @resources; } | sort -u > /tmp/taken_away
  comm -23 /tmp/allowed /tmp/taken_away > /tmp/left
  forbidden=$(comm -23 /tmp/used /tmp/left)
  [ -z "$forbidden" ] || { echo "the unit's filter lacks:" $forbidden; exit 1; }
  echo "ok the unit's filter has its $(wc -l < /tmp/used) system calls"
fi
mount -o remount,rw,bind /
dpkg -r retinaface-server retinaface > /packages/log 2>&1 || { cat /packages/log; exit 1; }
[ ! -e $unit ] && [ ! -e /usr/bin/retinaface ]
echo "ok the packages are removed"
INSIDE
