#include "store/image.hpp"

#include <fstream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/support/image_bytes.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;

namespace fs = std::filesystem;

namespace {

/// `job`, suspended at checkpoint 2 with its memory filled; 1 is the same moment.
class SuspendedHolder {
public:
    explicit SuspendedHolder(const std::string& program) {
        VmOptions options = fixture.options();
        const InputPipe input;
        options.standard_input = input.reader();
        const VmProcess runner({"run", "--name", "job", program, "512"}, options);
        await_output(runner, "filled");
        REQUIRE(fixture.run({"checkpoint", "job", "-m", "a good moment"}).exit_code == 0);
        REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    }

    /// Lets it change some of its memory; it is at checkpoint 3 then.
    void change() const {
        VmOptions options = fixture.options();
        const InputPipe input;
        options.standard_input = input.reader();
        const VmProcess runner({"resume", "job"}, options);
        input.write("\n");
        await_output(runner, "changed");
        REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    }

    [[nodiscard]] std::string file(const std::string& name) const {
        return fixture.folder() / name;
    }
    /// Exports, and gives what it answers.
    nlohmann::json exported(std::vector<std::string> arguments, const std::string& name) const {
        arguments.insert(arguments.begin(), {"export", "--json"});
        arguments.insert(arguments.end(), {"-o", file(name)});
        const VmResult result = fixture.run(arguments);
        CAPTURE(result.err);
        REQUIRE(result.exit_code == 0);
        return nlohmann::json::parse(result.out);
    }

    ProcessFixture fixture;
};

/// What `job` says at its end.
std::string end_of(const ProcessFixture& fixture) {
    VmOptions options = fixture.options();
    const InputPipe input;
    options.standard_input = input.reader();
    input.write("\n\n\n");
    const VmResult result = vm({"resume", "job"}, options);
    CAPTURE(result.err);
    REQUIRE(result.exit_code == 0);
    return last_line(result.out);
}

nlohmann::json imported(const ProcessFixture& fixture, const std::string& image) {
    const VmResult result = fixture.run({"import", "--json", image});
    CAPTURE(result.err);
    REQUIRE(result.exit_code == 0);
    return nlohmann::json::parse(result.out);
}

}  // namespace

TEST_CASE("another host is kept up to date by what has changed", "[image]") {
    const auto program = guest("holder");
    if (!program) return;
    const SuspendedHolder here(*program);
    const ProcessFixture there;
    REQUIRE(here.exported({"job@1"}, "first")["since"] == nullptr);
    imported(there, here.file("first"));
    here.change();

    const auto same_moment = here.exported({"job@2", "--since", "1"}, "same_moment");
    const auto difference = here.exported({"job", "--since", "1"}, "difference");
    const auto summary = imported(there, here.file("difference"));

    REQUIRE(same_moment["units"] < difference["units"].get<int>() / 10);
    REQUIRE(difference["since"] == 1);
    REQUIRE(difference["checkpoint"] == 3);
    REQUIRE(summary["added"] == 1);
    REQUIRE(there.run_json({"log", "job"})["checkpoints"].size() == 2);
    REQUIRE(there.row_of("job")["state"] == "suspended");
    REQUIRE(end_of(there) == end_of(here.fixture));
}

TEST_CASE("a whole history comes out with its messages and times", "[image]") {
    const auto program = guest("holder");
    if (!program) return;
    const SuspendedHolder here(*program);
    here.change();
    const ProcessFixture there;

    const auto summary = here.exported({"job", "--all"}, "all");
    imported(there, here.file("all"));

    REQUIRE(summary["checkpoints"] == 3);
    const auto was = here.fixture.run_json({"log", "job"})["checkpoints"];
    const auto is = there.run_json({"log", "job"})["checkpoints"];
    REQUIRE(is == was);
    REQUIRE(is[0]["message"] == "a good moment");
    REQUIRE(end_of(there) == end_of(here.fixture));
}

TEST_CASE("a part of a history is exported by its ends", "[image]") {
    const auto program = guest("holder");
    if (!program) return;
    const SuspendedHolder here(*program);
    here.change();
    const ProcessFixture there;

    REQUIRE(here.exported({"job@2..3"}, "part")["checkpoints"] == 2);
    imported(there, here.file("part"));

    REQUIRE(there.run_json({"log", "job"})["checkpoints"].size() == 2);
    REQUIRE(end_of(there) == end_of(here.fixture));
}

TEST_CASE("what cannot be exported is said with what can", "[image]") {
    const auto program = guest("holder");
    if (!program) return;
    const SuspendedHolder here(*program);
    using Arguments = std::vector<std::string>;
    const std::vector<std::pair<Arguments, std::string>> refusals = {
        {{"export", "job@2..1"}, "did not grow out of"},
        {{"export", "job@9"}, "vm log job"},
        {{"export", "job@1..x"}, "has the tag 'x'"},
        {{"export", "job@1..0"}, "is neither a checkpoint's number nor a tag"},
        {{"export", "job@1", "--all"}, "--all is the whole history"},
        {{"export", "job", "--since", "2"}, "nothing has been added since"},
        {{"export", "job", "--since", "9"}, "vm log job"},
    };

    for (auto [arguments, expected] : refusals) {
        arguments.insert(arguments.end(), {"-o", here.file("refused")});
        const VmResult result = here.fixture.run(arguments);
        CAPTURE(arguments, result.err);
        REQUIRE(result.exit_code == 125);
        REQUIRE(result.err.find(expected) != std::string::npos);
        REQUIRE_FALSE(fs::exists(here.file("refused")));
        REQUIRE_FALSE(fs::exists(here.file("refused.part")));
    }
}

TEST_CASE("a difference is refused while its process runs, and where its base is not", "[image]") {
    const auto program = guest("holder");
    if (!program) return;
    const SuspendedHolder here(*program);
    here.exported({"job@1"}, "first");
    here.exported({"job", "--since", "1"}, "difference");
    const ProcessFixture there;
    const VmResult without_base = there.run({"import", here.file("difference")});
    imported(there, here.file("first"));
    VmOptions options = there.options();
    const InputPipe input;
    options.standard_input = input.reader();
    const VmProcess runner({"resume", "job"}, options);
    await("the runner", [&] { return there.row_of("job")["state"] == "running"; });

    const VmResult while_it_runs = there.run({"import", here.file("difference")});

    REQUIRE(without_base.exit_code == 125);
    REQUIRE(without_base.err.find("without --since") != std::string::npos);
    REQUIRE(while_it_runs.exit_code == 125);
    REQUIRE(while_it_runs.err.find("vm suspend job") != std::string::npos);
}

TEST_CASE("an export goes on with what an earlier one has left", "[image]") {
    const auto program = guest("holder");
    if (!program) return;
    const SuspendedHolder here(*program);
    const auto whole = here.exported({"job"}, "whole");
    const std::string image = read_text(here.file("whole"));
    const std::size_t half = image.size() / 2;
    std::ofstream(here.file("again.part"), std::ios::binary) << image.substr(0, half);
    std::string changed = image + "more than there is to write";
    changed[half] ^= 1;
    std::ofstream(here.file("other.part"), std::ios::binary) << changed;

    const auto again = here.exported({"job"}, "again");
    const auto other = here.exported({"job"}, "other");

    REQUIRE(whole["kept_bytes"] == 0);
    REQUIRE(again["kept_bytes"] == half);
    REQUIRE(other["kept_bytes"] == half);
    REQUIRE((read_text(here.file("again")) == image));
    REQUIRE((read_text(here.file("other")) == image));
    REQUIRE_FALSE(fs::exists(here.file("again.part")));
}

TEST_CASE("an image is looked into without a store", "[image]") {
    const auto program = guest("holder");
    if (!program) return;
    const SuspendedHolder here(*program);
    here.change();
    here.exported({"job@1"}, "first");
    here.exported({"job"}, "last");
    here.exported({"job", "--since", "1"}, "difference");
    const VmOptions no_store{{"SOJOURN_STORE=/nowhere"}, here.fixture.folder()};
    const auto inspected = [&](const std::string& image) {
        const VmResult result = vm({"inspect", "image", "--json", here.file(image)}, no_store);
        CAPTURE(result.err);
        REQUIRE(result.exit_code == 0);
        return nlohmann::json::parse(result.out);
    };

    const auto object = inspected("difference");
    const VmResult text = vm({"inspect", "image", here.file("difference")}, no_store);

    REQUIRE(object["process"]["name"] == "job");
    REQUIRE(object["head"] == 3);
    REQUIRE(object["base"]["checkpoint"] == 1);
    REQUIRE(object["base"]["identity"] == inspected("first")["checkpoints"][0]["identity"]);
    REQUIRE(object["checkpoints"].size() == 1);
    REQUIRE(object["checkpoints"][0]["identity"] ==
            inspected("last")["checkpoints"][0]["identity"]);
    REQUIRE(object["modules"].empty());
    REQUIRE(object["modules_needed"].size() == 1);
    REQUIRE(object["regions"][0]["kind"].is_string());
    REQUIRE(object["leases"][0]["kind"] == "stream");
    REQUIRE(text.exit_code == 0);
    REQUIRE(text.out.find("a difference from checkpoint 1") != std::string::npos);
}

TEST_CASE("an image that is cut is not looked into", "[image]") {
    const auto program = guest("holder");
    if (!program) return;
    const SuspendedHolder here(*program);
    here.exported({"job"}, "whole");
    fs::resize_file(here.file("whole"), fs::file_size(here.file("whole")) - 1);

    const VmResult result = here.fixture.run({"inspect", "image", here.file("whole")});

    REQUIRE(result.exit_code == 125);
    REQUIRE(result.err.find("it ends early") != std::string::npos);
    REQUIRE(result.out.empty());
}

TEST_CASE("an image whose state does not fit its code is refused and leaves no trace", "[image]") {
    using namespace sojourn;
    SystemRandom random;
    const auto store = store::Store::open("mem:", {}, random).value();
    const auto process = store->create_process({.name = "job"}).value();
    const auto family = store->family(process.family).value();
    const auto token = family->acquire(process.id, std::nullopt).value();
    store::Publication publication;
    publication.info.id = family->reserve(token).value();
    publication.attachment = as_bytes("no state that there is");
    REQUIRE(family->publish(token, publication).ok());
    ByteVector image;
    REQUIRE(store::export_image(*store, process,
                                {{publication.info.id}, publication.info.id, {}, {}}, into(image))
                .ok());
    const ProcessFixture fixture;
    const std::string file = fixture.folder() / "job.image";
    std::ofstream(file, std::ios::binary) << as_text(image);

    const VmResult result = fixture.run({"import", file});

    CAPTURE(result.err);
    REQUIRE(result.exit_code == 125);
    REQUIRE(fixture.run_json({"ps"})["processes"].empty());
}
