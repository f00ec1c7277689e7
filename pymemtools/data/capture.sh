#!/bin/sh
# Take a capture of this machine's memory, to be read elsewhere:  pymemtools smem -S board.tar
#
#   sh capture.sh [-d DIR] [-z] [-o FILE] [PID...]
#
# The archive goes to standard output, or to FILE; -z packs it with gzip. DIR (default: $TMPDIR or /tmp) needs room for
# the files of one process at a time. Needs no more than a POSIX shell and cat, date, mkdir, rm, tar and uname.
# From pymemtools, MIT licence.

umask 077
set -f

fail() {
	echo "capture.sh: $1" >&2
	exit 1
}

scratch=${TMPDIR:-/tmp}
output=
pack="cat"
while getopts d:o:z option; do
	case $option in
	d) scratch=$OPTARG ;;
	o) output=$OPTARG ;;
	z) pack="gzip -c" ;;
	*) echo "usage: sh capture.sh [-d DIR] [-z] [-o FILE] [PID...]" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ "$pack" = cat ] || gzip -c </dev/null >/dev/null 2>&1 || fail "there is no gzip here; leave out -z"

if [ -n "$output" ]; then
	if [ -e "$output" ] || [ -L "$output" ]; then
		fail "$output: exists already"
	fi
elif [ -t 1 ]; then
	fail "an archive does not belong on a terminal; say -o FILE"
fi

work=$scratch/pymemtools-capture.$$
mkdir "$work" || exit 1
part=
trap 'rm -rf "$work" ${part:+"$part"}' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

refused=
processes=0
unreadable=0

no_room() {
	fail "$scratch: could not be written, is it full?"
}

# copy PATH MEMBER: copy a file of the kernel's under the name it has in the archive, or leave nothing: 1 when it can
# not be read, 2 when there is none. What can be read, but not copied, twice, is the scratch directory's fault.
copy() {
	cat "$1" 2>/dev/null >"$work/$2" && return 0
	rm -f "$work/$2"
	[ -e "$1" ] || return 2
	cat "$1" >/dev/null 2>&1 || return 1
	cat "$1" 2>/dev/null >"$work/$2" && return 0
	rm -f "$work/$2"
	cat "$1" >/dev/null 2>&1 && no_room
	return 1
}

# folders MEMBER...: make directories.
folders() {
	for member; do
		mkdir -p "$work/$member" || no_room
	done
}

refuse() {
	refused="$refused${refused:+,}
  {\"file\": \"$1\", \"reason\": \"not readable\", \"pids\": [$2]}"
}

# append MEMBER...: write members to the archive, and forget them. Each part ends like an archive of its own; the
# reader knows by the first member, and by the manifest at the end.
append() {
	tar -cf - -C "$work" "$@" || fail "tar failed"
	for member; do
		rm -rf "${work:?}/$member"
	done
}

# image PID: print what tells one process and program from the next of that PID; nothing for one that is gone.
image() {
	line=
	{ while IFS= read -r piece; do line="$line $piece"; done <"/proc/$1/stat"; } 2>/dev/null
	[ -n "$line" ] || return 0
	# shellcheck disable=SC2086 # the fields behind the name are numbers
	set -- ${line##*) }
	echo "${20} ${24} ${26}"
}

system_files() {
	folders proc/sys/vm proc/sys/kernel proc/pressure etc
	echo 1 >"$work/pymemtools-capture" || no_room
	for file in meminfo version vmstat zoneinfo buddyinfo pagetypeinfo slabinfo swaps cmdline uptime \
		iomem cpuinfo stat loadavg pressure/memory sys/kernel/randomize_va_space sys/kernel/pid_max; do
		copy "/proc/$file" "proc/$file" || [ $? = 2 ] || refuse "$file" ""
	done
	set +f
	for file in /proc/sys/vm/*; do
		case ${file##*/} in
		stat_refresh | drop_caches | compact_memory) ;;
		*) copy "$file" "proc/sys/vm/${file##*/}" || refuse "sys/vm/${file##*/}" "" ;;
		esac
	done
	for folder in ksm transparent_hugepage transparent_hugepage/khugepaged lru_gen swap; do
		folders "sys/kernel/mm/$folder"
		for file in "/sys/kernel/mm/$folder"/*; do
			[ -f "$file" ] && copy "$file" "sys/kernel/mm/$folder/${file##*/}"
		done
	done
	set -f
	if [ -r /etc/passwd ]; then
		while IFS=: read -r name _ uid _ || [ -n "$name" ]; do
			echo "$name:x:$uid:$uid:::" || no_room
		done </etc/passwd >"$work/etc/passwd"
	fi
	append pymemtools-capture proc sys etc
}

# process PID: take one process, whole or not at all; 1 when it is gone or will not keep still.
process() {
	before=$(image "$1")
	[ -n "$before" ] || return 1
	folders "proc/$1"
	status=0
	for file in stat status cmdline comm cgroup oom_score oom_score_adj statm maps smaps_rollup smaps; do
		copy "/proc/$1/$file" "proc/$1/$file"
		status=$?
	done
	if [ "$(image "$1")" != "$before" ]; then
		rm -rf "${work:?}/proc"
		return 1
	fi
	processes=$((processes + 1))
	if [ $status = 1 ]; then
		refuse smaps "$1"
		unreadable=$((unreadable + 1))
	fi
	append proc
}

# controller GROUP: take the memory controller's files of a group and of those above it, once each.
controller() {
	group=$1
	while :; do
		case $taken in
		*":$group:"*) break ;;
		esac
		taken="$taken:$group:"
		folders "${group#/}"
		for file in memory.max memory.high memory.min memory.low memory.current memory.stat memory.events \
			memory.swap.max memory.swap.current memory.limit_in_bytes memory.usage_in_bytes \
			memory.memsw.limit_in_bytes memory.memsw.usage_in_bytes memory.soft_limit_in_bytes \
			memory.use_hierarchy; do
			[ -e "$group/$file" ] && copy "$group/$file" "${group#/}/$file"
		done
		case $group in
		/sys/fs/cgroup | /sys/fs/cgroup/memory) break ;;
		esac
		group=${group%/*}
	done
}

cgroups() {
	taken=
	for pid; do
		{ text=$(cat "/proc/$pid/cgroup"); } 2>/dev/null || continue
		IFS='
'
		for line in $text; do
			path=${line#*:*:}
			case $line in
			*..*) ;;
			0::*) controller "/sys/fs/cgroup${path%/}" ;;
			*:memory:* | *,memory:* | *:memory,*) controller "/sys/fs/cgroup/memory${path%/}" ;;
			esac
		done
		unset IFS
	done
	[ -d "$work/sys" ] && append sys
}

manifest() {
	cat >"$work/manifest.json" <<-END || no_room
	{"format": 1, "tool": "capture.sh", "machine": "$(uname -m)", "kernel": "$(uname -r)",
	 "taken_at": $1, "users": {}, "unreadable": [$refused]}
	END
	append manifest.json
}

capture() {
	now=$(date +%s)
	system_files
	if [ $# = 0 ]; then
		set +f
		for directory in /proc/[0-9]*; do
			set -- "$@" "${directory#/proc/}"
		done
		set -f
	fi
	for pid; do
		process "$pid" || process "$pid" || :
	done
	cgroups "$@"
	manifest "$now"
	[ $unreadable = 0 ] ||
		echo "capture.sh: $unreadable of $processes processes could not be read; run as root for all" >&2
}

chosen=
for pid; do
	case $pid in
	'' | *[!0-9]* | 0*) fail "$pid: not a PID" ;;
	esac
	[ -d "/proc/$pid" ] || fail "$pid: no such process"
	case "$chosen " in
	*" $pid "*) ;;
	*) chosen="$chosen $pid" ;;
	esac
done
# shellcheck disable=SC2086 # they are numbers, each once
set -- $chosen

if [ -n "$output" ]; then
	set -C
	: >"$output" || exit 1
	set +C
	part=$output
	{ capture "$@" && : >"$work/whole"; } | $pack >"$output" || fail "$output: could not be written"
	[ -e "$work/whole" ] || exit 1
	part=
else
	{ capture "$@" && : >"$work/whole"; } | $pack || fail "standard output could not be written"
	[ -e "$work/whole" ] || exit 1
fi
