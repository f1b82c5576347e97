# Starts a Docker engine in a root, a network and a process namespace of its own, and ends all of it when its standard
# input ends: that is when the test is done, or dead.
#
# It is given the engine's unpacked packages, an empty folder for the socket and the log, and the folder that tests
# work in, which containers mount from. Everything that the engine keeps (images, volumes) is in memory and goes with
# it; nothing of it is to be seen from the machine's own network.
set -eu
packages=$1 home=$2 shared=$3

root=$home/root
mkdir "$root"
mount -t tmpfs -o mode=0755 tmpfs "$root"
cd "$root"
mkdir -p dev etc old proc run sys tmp usr var "./$shared"
for folder in bin sbin lib lib64; do
  ln -s "usr/$folder" "$folder"
done
mount --bind "$packages/usr" usr
mount --bind "$shared" "./$shared"
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup

busybox=/usr/bin/busybox
pivot_root . old
cd /
$busybox umount -l /old
# As a machine's own root is: containers may follow what is mounted later.
$busybox mount --make-rshared /
$busybox ip link set lo up
# Tests choose their ports below these.
echo 61000 65535 >/proc/sys/net/ipv4/ip_local_port_range

# In a container that has cgroups of version 2 to itself, none may hold both processes and groups.
all=/sys/fs/cgroup
if [ -e $all/cgroup.controllers ] && ! echo +memory +pids >$all/cgroup.subtree_control 2>/dev/null; then
  $busybox mkdir -p $all/init
  while read -r process; do
    echo "$process" >$all/init/cgroup.procs 2>/dev/null || :
  done <$all/cgroup.procs
fi

exec 3<&0 </dev/null
group=skymon-tests-${home##*/}
PATH=/usr/sbin:/usr/bin dockerd --host "unix://$home/docker.sock" --pidfile /run/docker.pid \
  --data-root /var/docker --exec-root /run/docker --cgroup-parent "/$group" \
  --bip 172.31.255.1/24 --default-address-pool base=172.30.0.0/16,size=24 3<&- &

# A line is a signal and a process; no line ever comes again when the test is gone.
while read -r signal process <&3; do
  $busybox kill -s "$signal" "$process"
done

$busybox kill -s KILL -1
wait
$busybox find $all -depth -type d -path "*/$group*" -exec $busybox rmdir {} +
$busybox rm -rf "$home"
