import Testing

@testable import Orchestration

/// For how long a leader has looked at the others.
@Suite("Standing watch")
struct StandingWatchTests {
    private let begin = ContinuousClock.now
    private let pause = Duration.milliseconds(500)

    private func look(_ watch: StandingWatch, at milliseconds: Int, serverSlept: Int = 0) -> Duration {
        let now = begin + .milliseconds(milliseconds)
        return watch.look(at: now - .milliseconds(serverSlept), pause: pause, now: now)
    }

    @Test("who looks often has watched all the time")
    func awake() {
        let watch = StandingWatch()
        let first = look(watch, at: 400)
        #expect(look(watch, at: 900) == first + .milliseconds(500), "a pause at the limit is none")
        #expect(look(watch, at: 1_300, serverSlept: 100) == first + .milliseconds(900))
    }

    @Test("who slept begins anew: it cannot know who was silent", arguments: [false, true])
    func asleep(isTheServer: Bool) {
        let watch = StandingWatch()
        _ = look(watch, at: 400)
        let woken = isTheServer ? look(watch, at: 800, serverSlept: 501) : look(watch, at: 901)
        #expect(woken == .zero)
        #expect(look(watch, at: 1_200) == .milliseconds(isTheServer ? 400 : 299))
    }

    @Test("a server that stands still hears nobody, however often it is asked")
    func hanging() {
        let watch = StandingWatch()
        for sleep in stride(from: 501, through: 5_000, by: 100) {
            #expect(look(watch, at: sleep, serverSlept: sleep) == .zero)
        }
    }
}
