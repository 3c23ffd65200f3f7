#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tools/symbolize/confinement.hpp"
#include "tools/symbolize/line_table.hpp"

/// `vm-symbolize ADDRESS… < IMAGE`: the source lines of code addresses (decimal), one line of JSON
/// each, `{"file", "line", "column"}` or null. IMAGE is an ELF file whose sections hold DWARF.
/// `vm` starts it at a trap: debug information is read in a process that can do no harm.
namespace sojourn::symbolize {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::optional<SourceLine>& source) {
    if (!source) return nullptr;
    Json object{{"file", source->file}, {"line", source->line}, {"column", nullptr}};
    if (source->column > 0) object["column"] = source->column;
    return object;
}

int main_of(int argc, char** argv) {
    if (!confine()) {
        fmt::print(stderr, "vm-symbolize: the host does not let it confine itself\n");
        return EXIT_FAILURE;
    }
    const LineTable lines(STDIN_FILENO);
    for (int i = 1; i < argc; ++i) {
        const char* end = argv[i] + std::strlen(argv[i]);
        std::uint64_t address = 0;
        if (std::from_chars(argv[i], end, address).ptr != end) return EXIT_FAILURE;
        const Json answer = json_of(lines.find(address));
        fmt::print("{}\n", answer.dump(-1, ' ', false, Json::error_handler_t::replace));
        std::fflush(stdout);  // what is known is said, should the next one be its end
    }
    return EXIT_SUCCESS;
}

}  // namespace

}  // namespace sojourn::symbolize

int main(int argc, char** argv) {
    return sojourn::symbolize::main_of(argc, argv);
}
