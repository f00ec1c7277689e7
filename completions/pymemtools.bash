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
