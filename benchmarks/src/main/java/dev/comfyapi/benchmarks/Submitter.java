package dev.comfyapi.benchmarks;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/// Submits jobs on connections that are kept, by events: on a machine that it shares with the API
/// the client of the JDK takes as much of the processors as the API does. Thread-safe.
final class Submitter implements AutoCloseable {

    /// @param at when it was sent, as [System#nanoTime] says
    /// @param nanos until the answer; what was refused has its status
    /// @param saysWhen whether it has `Retry-After`
    record Answered(int status, long at, long nanos, boolean saysWhen) {}

    private static final Buffer BODY =
            Buffer.buffer("{\"prompt\": \"a red bicycle\", \"model\": \"sd15.safetensors\"}");

    private final Vertx vertx =
            Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setUseDaemonThread(true));
    private final HttpClient http;
    private final RequestOptions submit;

    /// @param connections at most; who wants more waits for one
    Submitter(ApiProcess api, String key, int connections) {
        http = vertx.createHttpClient(new PoolOptions().setHttp1MaxSize(connections));
        submit =
                new RequestOptions()
                        .setAbsoluteURI(api.uri("/api/v1/jobs").toString())
                        .setMethod(HttpMethod.POST)
                        .putHeader("Content-Type", "application/json")
                        .putHeader("Authorization", "Bearer " + key)
                        .setTimeout(Duration.ofSeconds(60).toMillis());
    }

    CompletableFuture<Answered> send() {
        long began = System.nanoTime();
        return http.request(submit)
                .compose(request -> request.send(BODY))
                .compose(answer -> answer.body().map(_ -> answered(answer, began)))
                .toCompletionStage()
                .toCompletableFuture();
    }

    private static Answered answered(HttpClientResponse answer, long began) {
        return new Answered(
                answer.statusCode(),
                began,
                System.nanoTime() - began,
                answer.getHeader("Retry-After") != null);
    }

    @Override
    public void close() {
        vertx.close().await();
    }
}
