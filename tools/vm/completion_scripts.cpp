#include "tools/vm/completion_scripts.hpp"

namespace sojourn::tools {

namespace {

// Bash takes `@`, `=` and `:` for the ends of words. So the line is split at blanks here, and what
// of the word stands before the last of those is taken off the candidates again.
constexpr std::string_view kBash = R"(# bash completion for vm
_vm() {
    local kind word rest typed kept
    local -a words
    COMPREPLY=()
    typed=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$typed"
    [[ $typed == *[[:blank:]] ]] && words+=("")
    typed=${words[-1]}
    kept=
    [[ $typed == *[@=:]* ]] && kept=${typed%"${typed##*[@=:]}"}
    {
        read -r kind
        while IFS=$'\t' read -r word rest; do
            COMPREPLY+=("${word#"$kept"}")
        done
    } < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
    case $kind in
        files) ;;
        directories) compopt -o dirnames ;;
        *) compopt +o default ;;
    esac
}
complete -o default -F _vm vm
)";

constexpr std::string_view kZsh = R"(#compdef vm
_vm() {
    local kind line
    local -a lines candidates
    lines=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    kind=$lines[1]
    for line in "${(@)lines[2,-1]}"; do
        candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    (($#candidates)) && _describe vm candidates
    case $kind in
        files) _files ;;
        directories) _files -/ ;;
    esac
}
if [ "$funcstack[1]" = _vm ]; then _vm "$@"; else compdef _vm vm; fi
)";

constexpr std::string_view kFish = R"(# fish completion for vm
function __vm_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines ($words[1] complete -- $words[2..-1] 2>/dev/null)
    printf '%s\n' $lines[2..-1]
    switch "$lines[1]"
        case files
            __fish_complete_path (commandline -ct)
        case directories
            __fish_complete_directories (commandline -ct)
    end
end
complete -c vm -f -a '(__vm_complete)'
)";

}  // namespace

std::optional<std::string_view> completion_script(std::string_view shell) {
    if (shell == "bash") return kBash;
    if (shell == "zsh") return kZsh;
    if (shell == "fish") return kFish;
    return std::nullopt;
}

}  // namespace sojourn::tools
