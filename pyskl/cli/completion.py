"""Print the completion script of a shell, for commands, options, configs and files.

pyskl completion bash >> ~/.bashrc
pyskl completion zsh >> ~/.zshrc
"""

from __future__ import annotations

from collections.abc import Sequence

from .calling import Parser
from .commands import COMMANDS, SUBCOMMANDS

TAKE_CONFIGS = ('train', 'test', 'predict', 'spot', 'sweep', 'print-config', 'zero-shot')

# Options are read from a command's --help, once for each command and shell.
BASH = r"""
_pyskl_options=''
_pyskl() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} first=${COMP_WORDS[2]} key words
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=( $(compgen -W "@COMMANDS@" -- "$word") )
        return
    fi
    case $command in
@WORDS@
        *) words='' ;;
    esac
    if [ "$COMP_CWORD" -eq 2 ] && [ -n "$words" ]; then
        COMPREPLY=( $(compgen -W "$words -h --help" -- "$word") )
        return
    fi
    case $word in
        -*)
            [ -n "$words" ] || first=''
            key=" $command-$first:"
            case $_pyskl_options in
                *"$key"*) ;;
                *) _pyskl_options="$_pyskl_options$key $(pyskl $command $first --help 2>/dev/null \
                    | grep -oE -- '(^|[[ ,])--?[a-zA-Z][a-z_-]*' | tr -d '[ ,' | sort -u \
                    | tr '\n' ' ');" ;;
            esac
            words=${_pyskl_options#*"$key"}
            COMPREPLY=( $(compgen -W "${words%%;*}" -- "$word") )
            ;;
        *)
            case " @CONFIGS@ " in
                *" $command "*|*" $command-$first "*)
                    [ -n "$_pyskl_configs" ] \
                        || _pyskl_configs=$(pyskl configs list --names 2>/dev/null)
                    COMPREPLY=(
                        $(compgen -W "$_pyskl_configs" -- "$word") $(compgen -f -- "$word")
                    )
                    ;;
                *) COMPREPLY=( $(compgen -f -- "$word") ) ;;
            esac
            ;;
    esac
}
complete -o filenames -o default -F _pyskl pyskl
"""
ZSH = r"""
autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
"""


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    parser = Parser(__doc__)
    parser.add_argument('shell', choices=('bash', 'zsh'))
    args = parser.parse_args(argv)
    text = BASH if args.shell == 'bash' else ZSH + BASH
    cases = '\n'.join(
        f"        {name}) words='{' '.join(words)}' ;;" for name, words in first_words().items()
    )
    configs = ' '.join([*TAKE_CONFIGS, 'configs-show', 'configs-copy'])
    filled = text.replace('@COMMANDS@', ' '.join([*COMMANDS, 'help', '--help', '--version']))
    print(filled.replace('@WORDS@', cases).replace('@CONFIGS@', configs).strip('\n'))


def first_words() -> dict[str, Sequence[str]]:
    """Return the subcommands of each command that has any."""
    from ..sources.forms import FORMS

    return {**SUBCOMMANDS, 'convert': tuple(FORMS)}
