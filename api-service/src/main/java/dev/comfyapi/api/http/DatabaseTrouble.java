package dev.comfyapi.api.http;

import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.QueryTimeoutException;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.transaction.CannotCreateTransactionException;
import org.springframework.transaction.TransactionSystemException;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Optional;
import java.util.stream.Stream;

/// Tells a database that is away, or not ready yet, from a mistake of ours.
public final class DatabaseTrouble {

    private DatabaseTrouble() {}

    public static boolean isIn(Throwable failure) {
        return failure instanceof DataAccessResourceFailureException
                || failure instanceof QueryTimeoutException
                || failure instanceof TransientDataAccessException
                || failure instanceof CannotCreateTransactionException
                || failure instanceof TransactionSystemException
                || causes(failure).anyMatch(SQLTransientConnectionException.class::isInstance)
                || sqlState(failure).filter(DatabaseTrouble::isPassing).isPresent();
    }

    /// Class 08: connection; 53: out of resources; 57: shutdown or statement timeout; 42P01: the
    /// tables are not made yet.
    private static boolean isPassing(String state) {
        return state.startsWith("08")
                || state.startsWith("53")
                || state.startsWith("57")
                || state.equals("42P01");
    }

    /// Postgres's word for it, when it said one.
    public static Optional<String> sqlState(Throwable failure) {
        return causes(failure)
                .filter(SQLException.class::isInstance)
                .map(cause -> ((SQLException) cause).getSQLState())
                .filter(state -> state != null)
                .findFirst();
    }

    /// For logs: without the statement and its values.
    public static String summary(Throwable failure) {
        return failure.getClass().getSimpleName()
                + sqlState(failure).map(state -> " (SQLSTATE " + state + ")").orElse("");
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, cause -> cause != null, Throwable::getCause).limit(20);
    }
}
