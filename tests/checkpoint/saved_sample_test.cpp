#include <fstream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/support/input_pipe.hpp"

/// What earlier releases have saved is read for good: tests/samples/README.md.
using namespace sojourn::tests;

namespace fs = std::filesystem;

namespace {

constexpr const char* kEnd = "sum c670033e572c4615, second line, 'b', 3 names, time goes on";

std::string sample(const std::string& name) {
    const fs::path path = fs::path(SOJOURN_SAVED_SAMPLES) / name;
    REQUIRE(fs::exists(path));
    return path;
}

/// What a process says that has been made out of a sample and waits for a line.
std::string end_of(const ProcessFixture& fixture, const std::string& reference) {
    std::ofstream(fixture.work() / "input") << "abcdef";
    VmOptions options = fixture.options();
    const InputPipe input;
    options.standard_input = input.reader();
    input.write("go\n");
    const std::string grant = fixture.work().native() + "::/host";
    const VmResult result = vm({"resume", "--dir", grant, reference}, options);
    CAPTURE(result.err);
    REQUIRE(result.exit_code == 0);
    return last_line(result.out);
}

}  // namespace

TEST_CASE("an image of every format comes back to life", "[image][samples]") {
    const std::string image = GENERATE("image-1.image", "image-2.image", "image-3.image");
    const ProcessFixture fixture;

    const VmResult imported = fixture.run({"import", sample(image)});
    const VmResult inspected = fixture.run({"inspect", "image", sample(image)});

    CAPTURE(image, imported.err, inspected.err);
    REQUIRE(imported.out == "sampled\n");
    REQUIRE(inspected.exit_code == 0);
    REQUIRE(end_of(fixture, "sampled") == kEnd);
}

TEST_CASE("an image that has tags brings them along", "[image][samples][tags]") {
    const ProcessFixture fixture;

    REQUIRE(fixture.run({"import", sample("image-3.image")}).exit_code == 0);

    const auto checkpoints = fixture.run_json({"log", "sampled"})["checkpoints"];
    REQUIRE(checkpoints[0]["tags"] == nlohmann::json{"early"});
    REQUIRE(checkpoints[1]["tags"] == nlohmann::json::array());
}

TEST_CASE("a difference of every format is put onto its base", "[image][samples]") {
    const ProcessFixture fixture;
    REQUIRE(fixture.run({"import", sample("image-1.image")}).exit_code == 0);

    const VmResult imported = fixture.run({"import", sample("difference-2.image")});

    CAPTURE(imported.err);
    REQUIRE(imported.exit_code == 0);
    REQUIRE(fixture.run_json({"log", "sampled"})["checkpoints"].size() == 2);
    REQUIRE(end_of(fixture, "sampled") == kEnd);
}
