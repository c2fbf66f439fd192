# Redis.pm, as an application uses it: the steps of ../README.md. A worker of its own is a process of its own.
use strict;
use warnings;
use List::Util qw(any uniq);
use POSIX ();
use Redis;
use Time::HiRes qw(sleep time);

sub key_of { return $ENV{COMPAT_PREFIX} . $_[0] }

sub connected {
    my (%options) = @_;
    return Redis->new(
        server     => "$ENV{REDIS_HOST}:$ENV{REDIS_PORT}",
        password   => $ENV{REDIS_PASSWORD},
        on_connect => sub { $_[0]->select($ENV{REDIS_DB}) },
        %options
    );
}

sub expect {
    my ($expected, $actual) = @_;
    ($expected, $actual) = map { ref ? join(',', map { $_ // 'nil' } @$_) : $_ // 'nil' } ($expected, $actual);
    die "expected $expected, not $actual at line " . (caller)[2] . "\n" if $expected ne $actual;
}

sub expect_error {
    my ($text, $call) = @_;
    die "no error: $text\n" if eval { $call->(); 1 };
    die $@ if index($@, $text) < 0;
}

sub until_true {
    my ($condition) = @_;
    sleep 0.005 until $condition->();
}

# Runs the body in another process, which must not share a connection.
sub in_background {
    my ($body) = @_;
    my $child = fork // die;
    return $child if $child;
    eval { $body->(); 1 } and POSIX::_exit(0);
    print STDERR $@;
    POSIX::_exit(1);
}

sub expect_end_of { waitpid $_[0], 0; expect(0, $?) }

sub connect_step {
    my $client = connected(name => key_of('web-1'));
    expect('PONG', $client->ping);
    expect(key_of('web-1'), $client->client_getname);
    my $name = key_of('web-1');
    my ($me) = grep { / name=$name / } @{ [split /\n/, $client->client_list] };
    expect(1, $me =~ / db=$ENV{REDIS_DB} /);
    expect_error('WRONGPASS', sub { connected(password => 'wrong') });
    expect_error('NOAUTH', sub { connected(password => undef, on_connect => undef)->get('a') });
    $client->quit;
}

sub values_step {
    my $client = connected();
    my $lock   = key_of('lock');
    expect('OK', $client->set($lock, 'me', 'NX', 'PX', 30_000));
    expect(undef, $client->set($lock, 'you', 'NX'));
    expect(1, $client->pttl($lock) > 20_000);
    expect('me', $client->getdel($lock));
    expect(undef, $client->get($lock));

    expect(1, $client->incr(key_of('count')));
    expect(42, $client->incrby(key_of('count'), 41));
    expect_error('WRONGTYPE', sub { $client->xadd(key_of('count'), '*', 'a', 'b') });
    $client->mset(key_of('a'), "na\xc3\xafve", key_of('b'), '');
    expect(["na\xc3\xafve", '', undef], [$client->mget(map { key_of($_) } qw(a b none))]);
}

sub pipeline_step {
    my $client = connected();
    my $log    = key_of('log');
    my @ids;
    $client->xadd($log, '*', 'i', $_, sub { my ($id, $error) = @_; die $error if $error; push @ids, $id }) for 0 .. 999;
    $client->wait_all_responses;
    expect(1000, scalar(uniq @ids));
    expect(1000, $client->xlen($log));

    my ($seen, $start) = (0, '-');
    while (my @page = $client->xrange($log, $start, '+', 'COUNT', 100)) {
        expect(['i', $seen++], $_->[1]) for @page;
        $start = "($page[-1][0]";
    }
    expect(1000, $seen);
}

sub transaction_step {
    my $client = connected();
    $client->multi;
    expect('QUEUED', $client->incr(key_of('orders')));
    $client->xadd(key_of('events'), '1-1', 'order', 1);
    expect([1, '1-1'], [$client->exec]);

    my $other = connected();
    $client->watch(key_of('orders'));
    $other->incr(key_of('orders'));
    $client->multi;
    $client->set(key_of('orders'), 0);
    expect(undef, $client->exec);
    expect(2, $client->get(key_of('orders')));

    my @replies;
    $client->multi(sub { });
    $client->incr(key_of('events'), sub { });
    $client->incr(key_of('orders'), sub { });
    $client->exec(sub { @replies = @{ $_[0] } });
    $client->wait_all_responses;
    expect(1, $replies[0][1] =~ /^WRONGTYPE/);
    expect(3, $replies[1][0]);

    $client->multi;
    expect_error(q(unknown command 'NOSUCH'), sub { $client->nosuch });
    expect_error('EXECABORT', sub { $client->exec });
    expect(3, $client->get(key_of('orders')));
}

sub handle {
    my ($client, $queue, @entries) = @_;
    for my $id (map { $_->[0] } @entries) {
        $client->xadd("$queue:handled", '*', 'job', $id) if $client->xack($queue, 'workers', $id);
    }
}

sub is_open {
    my ($client, $queue) = @_;
    return !$client->exists("$queue:closed") || ($client->xpending($queue, 'workers'))[0] > 0;
}

sub work {
    my ($queue, $name) = @_;
    my $client = connected();
    while (is_open($client, $queue)) {
        my ($reply) = $client->xreadgroup('GROUP', 'workers', $name, 'COUNT', 10, 'BLOCK', 50, 'STREAMS', $queue, '>');
        handle($client, $queue, @{ $reply->[1] }) if $reply;
    }
}

sub rescue {
    my ($queue) = @_;
    my $client = connected();
    while (is_open($client, $queue)) {
        my $start = '0-0';
        do {
            my @reply = $client->xautoclaim($queue, 'workers', 'rescue', 300, $start, 'COUNT', 2);
            handle($client, $queue, @{ $reply[1] });
            $start = $reply[0];
        } until $start eq '0-0';
    }
}

sub jobs_step {
    my $queue  = key_of('jobs');
    my $client = connected();
    expect('OK', $client->xgroup('CREATE', $queue, 'workers', '$', 'MKSTREAM'));
    expect_error('BUSYGROUP', sub { $client->xgroup('CREATE', $queue, 'workers', '$') });
    expect_error('NOGROUP', sub { $client->xreadgroup('GROUP', 'nobody', 'me', 'STREAMS', $queue, '>') });

    # One worker waits, takes five jobs and dies with them.
    my $dying = in_background(
        sub {
            my ($reply) = connected()
                ->xreadgroup('GROUP', 'workers', 'dead', 'COUNT', 5, 'BLOCK', 10_000, 'STREAMS', $queue, '>');
            expect(5, scalar @{ $reply->[1] });
        }
    );
    until_true(sub { $client->client_list =~ / cmd=xreadgroup / });
    $client->multi;
    $client->xadd($queue, '*', 'job', $_) for 1 .. 5;
    my @produced = $client->exec;
    expect_end_of($dying);
    my ($pending, undef, undef, $consumers) = $client->xpending($queue, 'workers');
    expect(5, $pending);
    expect(['dead', 5], $consumers->[0]);
    expect($produced[4], ($client->xpending($queue, 'workers', '-', '+', 10))[4][0]);

    # Two others go on, and take over what has been idle for too long.
    my @workers = map { my $name = $_; in_background(sub { work($queue, $name) }) } qw(w1 w2);
    push @workers, in_background(sub { rescue($queue) });
    for (my $end = time + $ENV{COMPAT_SECONDS}; time < $end;) {
        $client->xadd($queue, '*', 'job', 'more', sub { push @produced, $_[0] }) for 1 .. 20;
        $client->wait_all_responses;
        until_true(sub { @produced - $client->xlen("$queue:handled") < 500 });
    }
    until_true(sub { $client->xlen("$queue:handled") >= @produced });
    $client->set("$queue:closed", 'yes');
    expect_end_of($_) for @workers;
    my @handled = map { $_->[1][1] } $client->xrange("$queue:handled", '-', '+');
    expect([sort @produced], [sort @handled]);
    my %group = @{ ($client->xinfo('GROUPS', $queue))[0] };
    expect([0, 0], [@group{qw(pending lag)}]);
}

sub pubsub_step {
    my $subscriber = connected();
    my $publisher  = connected();
    my @heard;
    my $listen = sub { my ($message, $channel) = @_; push @heard, "$channel $message" };
    $subscriber->subscribe(key_of('news'), $listen);
    $subscriber->psubscribe(key_of('user:*'), $listen);
    expect([key_of('news'), 1], [$publisher->pubsub('NUMSUB', key_of('news'))]);
    my @sent;
    for my $i (0 .. 99) {
        push @sent, key_of('news') . " $i", key_of("user:$i") . ' hello';
        expect(1, $publisher->publish(key_of('news'), $i));
        expect(1, $publisher->publish(key_of("user:$i"), 'hello'));
    }
    $subscriber->wait_for_messages(0.05) while @heard < @sent;
    expect(\@sent, \@heard);
    $subscriber->unsubscribe(key_of('news'), $listen);
    $subscriber->punsubscribe(key_of('user:*'), $listen);
    expect(0, $publisher->publish(key_of('news'), 'nobody listens'));
    expect(0, $subscriber->exists(key_of('nothing')));
}

sub reconnect_step {
    my $client = connected(name => 'victim', reconnect => 5);
    my $killer = connected();
    $client->set(key_of('kept'), 'yes');
    expect(1, $killer->client_kill('ID', $client->client_id));

    # Password, database and name are there again. (A subscriber of this library cannot reconnect with a password.)
    expect('yes', $client->get(key_of('kept')));
    expect('victim', $client->client_getname);
}

sub scan_step {
    my $client = connected();
    $client->set(key_of("scan:$_"), $_, sub { }) for 0 .. 499;
    $client->xadd(key_of("scan:stream:$_"), '*', 'i', $_, sub { }) for 0 .. 99;
    $client->wait_all_responses;
    my $found = sub {
        my ($cursor, @names) = (0);
        do {
            ($cursor, my $page) = $client->scan($cursor, @_);
            push @names, @$page;
        } while $cursor;
        return scalar uniq @names;
    };
    expect(600, $found->('MATCH', key_of('scan:*'), 'COUNT', 50));
    expect(100, $found->('MATCH', key_of('scan:*'), 'TYPE', 'stream'));
}

my @steps = (
    [connect     => \&connect_step],
    [values      => \&values_step],
    [pipeline    => \&pipeline_step],
    [transaction => \&transaction_step],
    [jobs        => \&jobs_step],
    [pubsub      => \&pubsub_step],
    [reconnect   => \&reconnect_step],
    [scan        => \&scan_step],
);
$| = 1;
for my $step (@steps) {
    my ($name, $run) = @$step;
    next if @ARGV && !any { $_ eq $name } @ARGV;
    $run->();
    print "  ok $name\n";
}
