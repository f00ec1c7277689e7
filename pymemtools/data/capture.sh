#!/bin/sh
# Take a capture of this machine's memory, to be read elsewhere:  pymemtools smem -S board.tar
#
#   sh capture.sh [-d DIR] [-k] [-n] [-z] [-o FILE] [PID...]
#
# The archive goes to standard output, or to FILE; -z packs it with gzip; -k takes the kernel's log, too, where there is a
# dmesg; -n takes on which NUMA nodes pages of processes are. DIR (default: $TMPDIR or /tmp) needs room for the files of
# one process at a time. Needs no more than a POSIX shell and cat, date, mkdir, rm, tar and uname. A cp that knows
# --parents makes it five to ten times as fast: it copies the files of many processes, to memory if it may. A df tells how
# full file systems in memory are; it has 5 seconds where there is a timeout, else none on hosts with NFS.
# From pymemtools, MIT licence.

umask 077
set -f

# What to take. A process's files, and those of its memory group, are below its directory.
system_files='
	@SYSTEM_FILES@'
never_read='
	@NEVER_READ@'
process_files='
	@PROCESS_FILES@'
group_files='
	@CGROUP_FILES@'

fail() {
	echo "capture.sh: $1" >&2
	exit 1
}

scratch=${TMPDIR:-/tmp}
in_memory="/dev/shm /run"
output=
pack="cat"
log=
while getopts d:kno:z option; do
	case $option in
	d) scratch=$OPTARG in_memory= ;;
	k) log=yes ;;
	n) process_files="numa_maps $process_files" ;; # before smaps, of which the last one's status tells
	o) output=$OPTARG ;;
	z) pack="gzip -c" ;;
	*) echo "usage: sh capture.sh [-d DIR] [-k] [-n] [-z] [-o FILE] [PID...]" >&2; exit 2 ;;
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
quick= # where many files are copied to at once; empty where that cannot be
failures=0
part=
trap 'status=$?; rm -rf "$work" ${quick:+"$quick"} ${part:+"$part"}; exit $status' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

# No name of a process holds the mark, which has more than the 15 bytes the kernel keeps of a name.
mark="=pymemtools-capture="
newline='
'
refused=
named= # whether processes were
lost=  # those of them that are not there
processes=0
unreadable=0

no_room() {
	fail "$scratch: could not be written, is it full?"
}

# opens PATH: tell whether a file may be opened. It is the shell that does it, and starts no program.
opens() {
	true <"$1"
} 2>/dev/null

# copy PATH: copy a file of the kernel's to the name that it has in the archive, or leave nothing: 1 when it can not be
# read, 2 when there is none. What can be read, but not copied, twice, is the scratch directory's fault.
copy() {
	if ! opens "$1"; then
		[ -e "$1" ] || return 2
		return 1
	fi
	cat "$1" 2>/dev/null >"$work$1" && return 0
	rm -f "$work$1"
	[ -e "$1" ] || return 2
	cat "$1" >/dev/null 2>&1 || return 1
	cat "$1" 2>/dev/null >"$work$1" && return 0
	rm -f "$work$1"
	cat "$1" >/dev/null 2>&1 && no_room
	return 1
}

# copy_at_once PATH...: copy files of the kernel's, all of them or none. The directories are made before cp would make
# them like /proc's, which only root can write to. A file that is too large for memory ends it; where it ends again and
# again there is no room.
copy_at_once() {
	(
		trap '' XFSZ
		ulimit -f 2048
		cd "$quick" && make_folders "$@" && exec cp --parents "$@" .
	) 2>/dev/null && failures=0 && return 0
	rm -rf "$quick/proc" "$quick/sys"
	failures=$((failures + 1))
	if [ $failures = 8 ]; then
		failures=0
		if [ "$quick" = "$work" ]; then quick=; else quick=$work; fi
	fi
	return 1
}

# make_folders PATH...: make the directories that copies of these files go to, below this one.
make_folders() (
	folders=
	last=
	for path; do
		folder=.${path%/*}
		[ "$folder" = "$last" ] || folders=$folders$folder$newline
		last=$folder
	done
	IFS=$newline
	# shellcheck disable=SC2086 # the kernel allows no end of a line in the name of a group
	exec mkdir -p $folders
)

# is_in_memory DIR: tell whether a file system in memory is mounted there.
is_in_memory() {
	kind=
	while read -r _ where what _; do
		[ "$where" != "$1" ] || kind=$what
	done </proc/mounts
	[ "$kind" = tmpfs ] || [ "$kind" = ramfs ]
} 2>/dev/null

# choose_quick: find where many files can be copied to at once: in memory if we may, and there is any. What this cp can
# do is seen by trying: some do not know --parents, and to some a file that cannot be read to its end is none that fails.
choose_quick() {
	quick=$work
	is_in_memory "$scratch" || for directory in $in_memory; do
		if is_in_memory "$directory" && mkdir "$directory/pymemtools-capture.$$" 2>/dev/null; then
			quick=$directory/pymemtools-capture.$$
			break
		fi
	done
	if ! copy_at_once /proc/version || ! [ -s "$quick/proc/version" ] || copy_at_once /proc/self/mem; then
		rm -rf "$quick/proc"
		[ "$quick" = "$work" ] || rm -rf "$quick"
		quick=
		return
	fi
}

# halves FUNCTION ARGUMENT...: call it with half of the arguments, then with the others.
halves() {
	part_of 0 $((($# - 1) / 2)) "$@"
	part_of $((($# - 1) / 2)) $# "$@"
}

# part_of FROM TO FUNCTION ARGUMENT...: call it with the arguments after FROM, up to TO.
part_of() {
	from=$1 to=$2 function=$3 place=0
	shift 3
	for each; do
		shift
		place=$((place + 1))
		[ $place -le "$from" ] || [ $place -gt "$to" ] || set -- "$@" "$each"
	done
	"$function" "$@"
}

refuse() {
	refused="$refused${refused:+,}
  {\"file\": \"$1\", \"reason\": \"not readable\", \"pids\": [$2]}"
}

# append DIR MEMBER...: write members to the archive, and forget them. Each part ends like an archive of its own; the
# reader knows by the first member, and by the manifest at the end.
append() {
	tar -cf - -C "$@" || fail "tar failed"
	(cd "$1" && shift && rm -rf "$@")
}

# append_copies DIR: append what copies of the kernel's files there are.
append_copies() {
	[ ! -d "$1/proc" ] || set -- "$@" proc
	[ ! -d "$1/sys" ] || set -- "$@" sys
	[ $# = 1 ] || append "$@"
}

# look PID...: put into $text the stat of those processes that are there, with a mark behind each, there or not.
look() {
	for each; do
		shift
		set -- "$@" "/proc/$each/stat" "$work/mark"
	done
	text=$(cat "$@" 2>/dev/null)
}

# images PID...: list in $seen what in $text tells one process and program from the next of that PID.
images() {
	pids="$* "
	seen=
	line=
	IFS=$newline
	# shellcheck disable=SC2086 # of old kernels, a name may have ends of lines in it
	set -- $text
	unset IFS
	for piece; do
		if [ "$piece" != "$mark" ]; then
			line="$line $piece"
			continue
		fi
		# shellcheck disable=SC2086 # the fields behind the name are numbers
		[ -z "$line" ] || image "${pids%% *}" ${line##*) }
		pids=${pids#* }
		line=
	done
}

image() {
	seen="$seen $1/${21}/${25}/${27}"
}

# machine PATH...: take files that are no process's.
machine() {
	for path; do
		shift
		if [ ! -e "$path" ] || [ -d "$path" ]; then
			continue
		elif opens "$path"; then
			set -- "$@" "$path"
		else
			refuse_machine "$path"
		fi
	done
	[ $# -gt 0 ] || return 0
	if [ $# = 1 ] || [ -z "$quick" ]; then
		(cd "$work" && make_folders "$@") || no_room
		for path; do
			copy "$path" || [ $? = 2 ] || refuse_machine "$path"
		done
		append_copies "$work"
	elif copy_at_once "$@"; then
		append_copies "$quick"
	else
		halves machine "$@"
	fi
}

# refuse_machine PATH: the files of /sys are optional.
refuse_machine() {
	case $1 in
	/proc/*) refuse "${1#/proc/}" "" ;;
	esac
}

system() {
	mkdir "$work/etc" || no_room
	echo 1 >"$work/pymemtools-capture" || no_room
	if [ -r /etc/passwd ]; then
		while IFS=: read -r name _ uid _ || [ -n "$name" ]; do
			echo "$name:x:$uid:$uid:::" || no_room
		done </etc/passwd >"$work/etc/passwd"
	fi
	append "$work" pymemtools-capture etc
	# shellcheck disable=SC2086 # no blanks are in them
	set -- $never_read
	never_read=" $* "
	set --
	set +f
	for path in $system_files; do
		case $never_read in
		*" $path "*) ;;
		*) set -- "$@" "$path" ;;
		esac
	done
	set -f
	machine "$@"
	tmpfs
	[ -z "$log" ] || kernel_log
}

# kernel_log: take what the kernel said, as dmesg prints it. That it may not be read keeps nothing else back.
kernel_log() {
	mkdir "$work/proc" || no_room
	if dmesg 2>/dev/null >"$work/proc/dmesg" && [ -s "$work/proc/dmesg" ]; then
		append "$work" proc
		return
	fi
	rm -rf "${work:?}/proc"
	refuse dmesg ""
	echo "capture.sh: the kernel's log could not be read: there is no dmesg here, or it takes root" >&2
}

# tmpfs: take how full file systems in memory are, in KiB, where there is a df to tell. It writes names as they are, and
# /proc/mounts has none with a blank in it: such are left out, and what other file systems are mounted over. The df of
# busybox and of toybox looks at the others, too, and would wait for ever for a server that is gone.
tmpfs() {
	opens /proc/mounts || return 0
	points=$newline
	limit="timeout 5" remote=
	timeout 5 true 2>/dev/null || limit=
	while read -r _ where what _; do
		case $points in
		*"$newline$where$newline"*)
			points=${points%%"$newline$where$newline"*}$newline${points#*"$newline$where$newline"} ;;
		esac
		case $what in
		nfs | nfs4 | cifs | smb3 | ceph | afs | lustre | fuse.sshfs | fuse.glusterfs) remote=yes ;;
		esac
		case $what$where in
		*\\*) ;;
		tmpfs/* | devtmpfs/*) points=$points$where$newline ;;
		esac
	done </proc/mounts
	IFS=$newline
	# shellcheck disable=SC2086 # ends of lines are escaped in it
	set -- $points
	unset IFS
	[ $# != 0 ] || return 0
	[ -n "$limit" ] || [ -z "$remote" ] || return 0
	mkdir "$work/proc" || no_room
	$limit df -kP "$@" >"$work/df" 2>/dev/null
	while read -r _ size used _ _ where; do
		case $size/$used in
		/* | */ | 0/* | *[!0-9/]*) continue ;;
		esac
		case $where in
		*[[:space:]\\]*) ;;
		/*) echo "$size $used $where" || no_room ;;
		esac
	done <"$work/df" >"$work/proc/mounts.tmpfs"
	rm -f "$work/df"
	if [ -s "$work/proc/mounts.tmpfs" ]; then append "$work" proc; else rm -rf "${work:?}/proc"; fi
}

# process PID: take one process, whole or not at all; 1 when it is gone or will not keep still.
process() {
	look "$1"
	images "$1"
	[ -n "$seen" ] || return 1
	before=$seen
	mkdir -p "$work/proc/$1" || no_room
	status=0
	for file in $process_files; do
		copy "/proc/$1/$file"
		status=$?
	done
	look "$1"
	images "$1"
	if [ "$seen" != "$before" ]; then
		rm -rf "${work:?}/proc"
		return 1
	fi
	count "$before"
	[ $status != 1 ] || refuse_process "$1"
	append "$work" proc
}

# count IMAGE: count a process with memory; those without, the kernel's and the dead, have no address of their code.
count() {
	case $1 in
	*/*/0/*) ;;
	*) processes=$((processes + 1)) ;;
	esac
}

refuse_process() {
	refuse smaps "$1"
	unreadable=$((unreadable + 1))
}

# lose PID: note that a process is not there; of those that nobody named that is no news.
lose() {
	case "$lost " in
	*" $1 "*) ;;
	*) [ -z "$named" ] || lost="$lost $1" ;;
	esac
}

# batch PID...: take processes at once. Those that became others meanwhile are taken again, one by one, and all are if
# anything went wrong, of which cp does not tell where it was.
batch() {
	if [ $# = 1 ] || [ -z "$quick" ]; then
		for pid; do
			process "$pid" || process "$pid" || lose "$pid"
		done
		return
	fi
	look "$@"
	images "$@"
	before=$seen
	before_text=$text
	for pid; do
		case $before in
		*" $pid/"*) ;;
		*) lose "$pid" ;;
		esac
	done
	readable "$before"
	[ -n "$paths" ] || return 0
	# shellcheck disable=SC2086 # no blanks are in them
	if ! copy_at_once $paths; then
		halves batch "$@"
		return
	fi
	look "$@"
	set_apart "$@"
	append_copies "$quick"
	for pid in $again; do
		process "$pid" || process "$pid" || lose "$pid"
	done
}

# set_apart PID...: list in $again those that $before tells of and that are others in $text, remove their copies, and
# count those that stay.
set_apart() {
	seen=$before
	[ "$text" = "$before_text" ] || images "$@"
	again=
	for each in $before; do
		pid=${each%%/*}
		case "$seen " in
		*" $each "*)
			count "$each"
			case "$denied " in
			*" $pid "*) refuse_process "$pid" ;;
			esac
			;;
		*)
			again="$again $pid"
			rm -rf "$quick/proc/$pid"
			;;
		esac
	done
}

# readable SEEN: list in $paths the files of processes that may be opened, and in $denied those whose smaps may not.
# What has no memory, and no address of its code, opens a smaps_rollup that cannot be read (since Linux 4.19).
readable() {
	paths=
	denied=
	for each in $1; do
		pid=${each%%/*}
		for file in $process_files; do
			path=/proc/$pid/$file
			case $file$each in
			smaps_rollup*/*/0/*) ;;
			*) if true <"$path"; then
				paths="$paths $path"
			elif [ "$file" = smaps ] && [ -e "$path" ]; then
				denied="$denied $pid"
			fi ;;
			esac
		done
	done
} 2>/dev/null

# cgroups PID...: take the memory controller's files of the groups that processes are in, and of those above.
cgroups() {
	groups=$newline
	in_batches add_groups "$@"
	IFS=$newline
	# shellcheck disable=SC2086 # the kernel allows no end of a line in the name of a group
	set -- $groups
	unset IFS
	count=0
	for group; do
		[ $count != 0 ] || set --
		for file in $group_files; do
			set -- "$@" "$group/$file"
		done
		count=$((count + 1))
		if [ $count = 10 ]; then
			machine "$@"
			count=0
		fi
	done
	[ $count = 0 ] || machine "$@"
}

# add_groups PID...: add to $groups those of processes.
add_groups() {
	for pid; do
		shift
		set -- "$@" "/proc/$pid/cgroup"
	done
	text=$(cat "$@" 2>/dev/null)
	IFS=$newline
	# shellcheck disable=SC2086 # as above
	set -- $text
	unset IFS
	last=
	unified=/sys/fs/cgroup/unified
	[ -d $unified ] || unified=/sys/fs/cgroup
	for line; do
		[ "$line" != "$last" ] || continue
		last=$line
		path=${line#*:*:}
		case $line in
		*..*) ;;
		0::*) add_group "$unified${path%/}" ;;
		*:memory:* | *,memory:* | *:memory,*) add_group "/sys/fs/cgroup/memory${path%/}" ;;
		esac
	done
}

# add_group GROUP: add a group, and those above it, once each.
add_group() {
	group=$1
	while :; do
		case $groups in
		*"$newline$group$newline"*) break ;;
		esac
		groups=$groups$group$newline
		case $group in
		/sys/fs/cgroup | /sys/fs/cgroup/memory | /sys/fs/cgroup/unified) break ;;
		esac
		group=${group%/*}
	done
}

# advice: say who could read all, but not to root, who is refused in a container.
advice() {
	while read -r key _ uid _; do
		[ "$key" != Uid: ] || [ "$uid" = 0 ] || echo "; run as root for all"
	done </proc/self/status
} 2>/dev/null

manifest() {
	cat >"$work/manifest.json" <<-END || no_room
	{"format": 1, "tool": "capture.sh", "machine": "$(uname -m)", "kernel": "$(uname -r)",
	 "taken_at": $1, "users": {}, "unreadable": [$refused]}
	END
	append "$work" manifest.json
}

# in_batches FUNCTION PID...: call it with so many that one call of a program can name all their files, and memory has
# room for the copies.
in_batches() {
	callee=$1
	shift
	some=
	count=0
	for one; do
		some="$some $one"
		count=$((count + 1))
		if [ $count = 40 ]; then
			# shellcheck disable=SC2086 # they are numbers
			"$callee" $some
			some=
			count=0
		fi
	done
	# shellcheck disable=SC2086 # as above
	[ $count = 0 ] || "$callee" $some
}

capture() {
	now=$(date +%s)
	system
	if [ $# = 0 ]; then
		set +f
		all=
		for directory in /proc/[0-9]*; do
			all="$all ${directory#/proc/}"
		done
		set -f
		# shellcheck disable=SC2086 # they are numbers
		set -- $all
	fi
	in_batches batch "$@"
	cgroups "$@"
	manifest "$now"
	[ $unreadable = 0 ] ||
		echo "capture.sh: $unreadable of $processes processes could not be read$(advice)" >&2
	for pid in $lost; do
		echo "capture.sh: $pid: no such process; all else was captured" >&2
		: >"$work/lost" || no_room
	done
}

chosen=
for pid; do
	case $pid in
	'' | *[!0-9]* | 0*) fail "$pid: not a PID" ;;
	esac
	named=yes
	if [ ! -d "/proc/$pid" ]; then
		lose "$pid"
		continue
	fi
	case "$chosen " in
	*" $pid "*) ;;
	*) chosen="$chosen $pid" ;;
	esac
done
if [ -z "$chosen" ] && [ -n "$lost" ]; then
	lost=${lost# }
	echo "capture.sh: ${lost%% *}: no such process" >&2
	exit 42 # as the program does
fi
# shellcheck disable=SC2086 # they are numbers, each once
set -- $chosen

{ echo && echo "$mark"; } >"$work/mark" || no_room
choose_quick

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
[ ! -e "$work/lost" ] || exit 42
