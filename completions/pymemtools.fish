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
