package dev.comfyapi.benchmarks;

import java.util.concurrent.Flow;
import java.util.function.Consumer;

/// Reads the lines of a response as they come.
record Lines(Consumer<String> reader) implements Flow.Subscriber<String> {

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(String line) {
        reader.accept(line);
    }

    @Override
    public void onError(Throwable failure) {
        // What is not told is counted.
    }

    @Override
    public void onComplete() {
        // The stream is over.
    }
}
