#pragma once

namespace CLI {
class App;
}

/// What `vm inspect` has below it, one file each; as the verbs of verbs.hpp.
namespace sojourn::tools {

struct Invocation;

/// What `vm inspect N[@ID]` itself takes.
void add_inspect_process(CLI::App& verb, Invocation& invocation);
void add_inspect_module(CLI::App& verb, Invocation& invocation);
void add_inspect_image(CLI::App& verb, Invocation& invocation);

}  // namespace sojourn::tools
