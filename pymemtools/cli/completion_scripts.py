"""What makes bash, zsh and fish ask the program, which then answers in click's words.

click has such scripts too, but with them ``--option=VALUE`` is not completed, fish cuts what has a comma, and to print
the one for bash starts a bash.
"""

_BASH = r"""
_pymemtools_completion() {
    local IFS=$'\n' type value i cword=0
    local -a words=()
    # to bash --option=VALUE is three words, to the program two
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        [[ ${COMP_WORDS[i]} == "=" && $i -lt $COMP_CWORD ]] && continue
        ((i == COMP_CWORD)) && cword=${#words[@]}
        words+=("${COMP_WORDS[i]}")
    done
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(COMP_WORDS="${words[*]}" COMP_CWORD=$cword _PYMEMTOOLS_COMPLETE=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F _pymemtools_completion pymemtools
"""

_ZSH = r"""
#compdef pymemtools

_pymemtools() {
    local type value help
    local -a answer plain described
    answer=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \
        _PYMEMTOOLS_COMPLETE=zsh_complete ${words[1]} 2>/dev/null)}")
    [[ ${words[CURRENT]} == --*=* ]] && compset -P '*='
    for type value help in $answer; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain) [[ $help == _ ]] && plain+=("$value") || described+=("$value:$help") ;;
        esac
    done
    if ((${#described})); then _describe -V unsorted described; fi
    if ((${#plain})); then compadd -V unsorted -a plain; fi
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _pymemtools "$@"
else
    compdef _pymemtools pymemtools
fi
"""

_FISH = r"""
function __pymemtools_complete
    set -l option (string match --regex -- '^--[^=]+=' (commandline -t))
    for answer in (env COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) \
            _PYMEMTOOLS_COMPLETE=fish_complete pymemtools 2>/dev/null)
        set -l item (string split --max 1 , -- $answer)
        switch $item[1]
            case dir
                printf "$option%s\n" (__fish_complete_directories "$item[2]")
            case file
                printf "$option%s\n" (__fish_complete_path "$item[2]")
            case plain
                printf "$option%s\n" "$item[2]"
        end
    end
end

complete --no-files --command pymemtools --arguments '(__pymemtools_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
