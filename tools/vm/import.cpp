#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "process/reference.hpp"
#include "store/image.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/progress.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<UniqueFd> open_input(const std::string& file) {
    UniqueFd input(file == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                               : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!input.valid()) return fail_errno(errno, "cannot open {}", file);
    if (::isatty(input.get()) == 1) {
        return fail(ErrorCode::invalid_argument, "an image does not come from a terminal");
    }
    return input;
}

Result<store::ImageSummary> import_from(int input, store::Store& store, const std::string& name) {
    Progress progress("imported");
    const store::ByteSource source = [&](MutableBytes out) -> Result<std::size_t> {
        for (;;) {
            const ssize_t got = ::read(input, out.data(), out.size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail_errno(errno, "cannot read the image");
            progress.add(static_cast<std::size_t>(got));
            return static_cast<std::size_t>(got);
        }
    };
    return store::import_image(store, source, name);
}

Result<int> perform(const Invocation& invocation, const std::string& file,
                    const std::string& name) {
    if (!name.empty()) TRY(process::check_name(name));
    const UniqueFd input = TRY(open_input(file));
    const std::string location = TRY(store_location(invocation));
    const auto store = TRY(store::Store::open(location, {}, invocation.random));
    const auto summary = import_from(input.get(), *store, name);
    if (!summary.ok()) {
        const bool is_taken = summary.error().code == ErrorCode::already_exists;
        return fail(summary.error().code, "{}: {}{}", file == "-" ? "stdin" : file,
                    summary.error().message, is_taken ? ": vm import --name OTHER" : "");
    }
    if (invocation.json) {
        Json object = new_json();
        object["process"] = {{"id", summary->process.id.hex()}, {"name", summary->process.name}};
        object["checkpoint"] = static_cast<std::uint64_t>(summary->checkpoint.id);
        object["units"] = summary->unit_count;
        object["image_bytes"] = summary->image_bytes;
        TRY(print_json(object));
    } else {
        TRY(print_line(process::display_name(summary->process)));
    }
    return 0;
}

}  // namespace

void add_import(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "import",
                              "Make a suspended process out of an exported image; prints its name");
    auto file = std::make_shared<std::string>();
    auto name = std::make_shared<std::string>();
    verb->add_option("image", *file, "The image; - is stdin")->required()->type_name("FILE");
    verb->add_option("--name", *name, "Its name here; the one in the image unless given");
    give_examples(*verb, {{"vm import job.image", "a process of the name it had"},
                          {"vm import --name twin job.image", "under another name"},
                          {"vm export job | ssh there vm import -", "straight from another host"}});
    verb->callback([file, name, &invocation] {
        invocation.perform = [file, name, &invocation] {
            return perform(invocation, *file, *name);
        };
    });
}

}  // namespace sojourn::tools
