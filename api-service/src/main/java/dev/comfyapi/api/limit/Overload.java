package dev.comfyapi.api.limit;

import com.zaxxer.hikari.HikariDataSource;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.ProblemWriter;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

import java.io.IOException;
import java.util.concurrent.Semaphore;

/// Refuses at the door what could not be answered in good time: when too many requests are in the
/// house, or too many of them wait for the database. A refusal costs nothing. The numbers bound
/// memory and what waits; how long that is depends on how fast the machine is.
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 2)
final class Overload extends OncePerRequestFilter {

    private static final String API = "/api/";

    private final Semaphore room;
    private final int mostWaiters;
    private final HikariDataSource database;
    private final Counter refused;

    Overload(LimitProperties properties, HikariDataSource database, MeterRegistry metrics) {
        this.room = new Semaphore(properties.inFlight());
        this.mostWaiters = properties.databaseWaiters();
        this.database = database;
        this.refused =
                Counter.builder("comfyapi.requests.shed")
                        .description("Requests refused because the service was overloaded")
                        .register(metrics);
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        // Whoever asks how the service is shall hear it most of all now.
        if (!request.getRequestURI().startsWith(API)) {
            chain.doFilter(request, response);
        } else if (isDatabaseBusy() || !room.tryAcquire()) {
            refused.increment();
            ProblemWriter.write(
                    request,
                    response,
                    ApiProblem.of(
                                    ProblemCode.TEMPORARILY_OVERLOADED,
                                    "The service has too much to do just now.")
                            .header("Retry-After", "1"));
        } else {
            try {
                chain.doFilter(request, response);
            } finally {
                room.release();
            }
        }
    }

    private boolean isDatabaseBusy() {
        var pool = database.getHikariPoolMXBean();
        return pool != null && pool.getThreadsAwaitingConnection() > mostWaiters;
    }
}
