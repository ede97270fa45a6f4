//! Hosts within one process, for tests and examples.

use super::{
    Answer, Arrivals, Carrier, CarrierError, Host, Listener, Notice, Offer, Order, Parcel, Result, Sender, Token,
    Urgency, Wish,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What connects the carriers that it makes.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    next: u64,
    hosts: Vec<(Host, Arc<dyn Listener>)>,
    offers: Vec<(u64, Offer)>,
    wishes: Vec<Wanted>,
    /// Hosts that reach no other, and are reached by none.
    cut: Vec<String>,
}

struct Wanted {
    token: u64,
    source: Host,
    wish: Wish,
    arrivals: Arc<dyn Arrivals>,
}

impl State {
    /// Of all runs that are called so.
    fn listeners_called(&self, id: &str) -> Vec<Arc<dyn Listener>> {
        self.hosts.iter().filter(|(host, _)| host.id == id).map(|(_, listener)| Arc::clone(listener)).collect()
    }

    fn listener(&self, of: &Host) -> Option<Arc<dyn Listener>> {
        self.hosts.iter().find(|(host, _)| host == of).map(|(_, listener)| Arc::clone(listener))
    }

    fn reach(&self, one: &str, other: &str) -> bool {
        one == other || !self.cut.iter().any(|cut| cut == one || cut == other)
    }

    fn token(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// What to tell which hosts about an offer.
    fn about(&self, offer: &Offer, notice: &dyn Fn(Offer) -> Notice) -> Vec<(Arc<dyn Listener>, Notice)> {
        let reached = self.hosts.iter().filter(|(host, _)| *host != offer.host && self.reach(&host.id, &offer.host.id));
        reached.map(|(_, listener)| (Arc::clone(listener), notice(offer.clone()))).collect()
    }

    fn wished(&self, wanted: &Wanted, notice: &dyn Fn(Wish) -> Notice) -> Vec<(Arc<dyn Listener>, Notice)> {
        if !self.reach(&wanted.wish.receiver.id, &wanted.source.id) {
            return Vec::new();
        }
        self.listener(&wanted.source).into_iter().map(|to| (to, notice(wanted.wish.clone()))).collect()
    }
}

fn tell(notices: Vec<(Arc<dyn Listener>, Notice)>) {
    notices.into_iter().for_each(|(to, notice)| to.notice(notice));
}

impl Hub {
    /// One without hosts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A carrier for one more host.
    #[must_use]
    pub fn carrier(&self) -> Arc<dyn Carrier> {
        Arc::new(Memory { hub: self.clone(), me: Mutex::new(None) })
    }

    /// Cuts a host off: to the others, and for it, it is as if all the others had gone.
    pub fn cut(&self, id: &str) {
        self.change(id, Notice::Withdrawn, Notice::Unwanted, |state| state.cut.push(id.to_owned()));
    }

    /// Mends what [`cut`](Self::cut) has done.
    pub fn mend(&self, id: &str) {
        let mut state = self.lock();
        state.cut.retain(|cut| cut != id);
        drop(state);
        self.change(id, Notice::Offered, Notice::Wanted, |_| {});
    }

    fn change(
        &self,
        id: &str,
        about: impl Fn(Offer) -> Notice,
        wished: impl Fn(Wish) -> Notice,
        then: impl FnOnce(&mut State),
    ) {
        let mut state = self.lock();
        let mut notices = Vec::new();
        for (_, offer) in &state.offers {
            let all = state.about(offer, &about);
            let far = |to: &Arc<dyn Listener>| {
                let of_id = state.listeners_called(id).iter().any(|listener| Arc::ptr_eq(listener, to));
                of_id || offer.host.id == id
            };
            notices.extend(all.into_iter().filter(|(to, _)| far(to)));
        }
        for wanted in &state.wishes {
            if wanted.source.id == id || wanted.wish.receiver.id == id {
                notices.extend(state.wished(wanted, &wished));
            }
        }
        then(&mut state);
        drop(state);
        tell(notices);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Memory {
    hub: Hub,
    me: Mutex<Option<Host>>,
}

impl Memory {
    fn me(&self) -> Result<Host> {
        let me = self.me.lock().unwrap_or_else(PoisonError::into_inner).clone();
        me.ok_or_else(|| CarrierError("not started".into()))
    }
}

/// Undoes an entry of the hub.
struct Entry {
    hub: Weak<Mutex<State>>,
    token: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(hub) = self.hub.upgrade() else { return };
        let mut state = hub.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notices = Vec::new();
        if let Some(at) = state.offers.iter().position(|(token, _)| *token == self.token) {
            let (_, offer) = state.offers.remove(at);
            notices = state.about(&offer, &Notice::Withdrawn);
        }
        if let Some(at) = state.wishes.iter().position(|wanted| wanted.token == self.token) {
            let wanted = state.wishes.remove(at);
            notices = state.wished(&wanted, &Notice::Unwanted);
        }
        drop(state);
        tell(notices);
    }
}

struct To {
    hub: Hub,
    from: Host,
    channel: String,
    receiver: Host,
}

impl Sender for To {
    fn send(&mut self, attachment: &[u8], parcel: Parcel, _: Urgency) -> Result<()> {
        let state = self.hub.lock();
        let of = |wanted: &&Wanted| {
            wanted.source == self.from
                && wanted.wish.channel == self.channel
                && wanted.wish.receiver == self.receiver
                && state.reach(&wanted.source.id, &self.receiver.id)
        };
        let arrivals = state.wishes.iter().find(of).map(|wanted| Arc::clone(&wanted.arrivals));
        drop(state);
        // What a network loses is lost without an error too.
        if let Some(arrivals) = arrivals {
            // Copied, as by a network: what waits over there holds no slot of the writer here.
            arrivals.arrive(attachment, Box::new(parcel.as_ref().to_vec()));
        }
        Ok(())
    }
}

impl Carrier for Memory {
    fn start(&self, me: &Host, listener: Arc<dyn Listener>) -> Result<()> {
        *self.me.lock().unwrap_or_else(PoisonError::into_inner) = Some(me.clone());
        let mut state = self.hub.lock();
        state.hosts.push((me.clone(), Arc::clone(&listener)));
        let near = |offer: &&(u64, Offer)| offer.1.host != *me && state.reach(&offer.1.host.id, &me.id);
        let offers: Vec<_> = state.offers.iter().filter(near).map(|(_, offer)| offer.clone()).collect();
        let wishes: Vec<_> =
            state.wishes.iter().filter(|wanted| wanted.source == *me).map(|w| w.wish.clone()).collect();
        drop(state);
        offers.into_iter().for_each(|offer| listener.notice(Notice::Offered(offer)));
        wishes.into_iter().for_each(|wish| listener.notice(Notice::Wanted(wish)));
        Ok(())
    }

    fn announce(&self, offer: &Offer) -> Result<Token> {
        let mut state = self.hub.lock();
        let token = state.token();
        state.offers.push((token, offer.clone()));
        let notices = state.about(offer, &Notice::Offered);
        drop(state);
        tell(notices);
        Ok(Box::new(Entry { hub: Arc::downgrade(&self.hub.0), token }))
    }

    fn want(&self, source: &Offer, order: Order, arrivals: Arc<dyn Arrivals>) -> Result<Token> {
        let wish = Wish { channel: source.channel.clone(), receiver: self.me()?, order };
        let mut state = self.hub.lock();
        let token = state.token();
        let wanted = Wanted { token, source: source.host.clone(), wish, arrivals };
        let notices = state.wished(&wanted, &Notice::Wanted);
        state.wishes.push(wanted);
        drop(state);
        tell(notices);
        Ok(Box::new(Entry { hub: Arc::downgrade(&self.hub.0), token }))
    }

    fn sender(&self, channel: &str, receiver: &Host) -> Result<Box<dyn Sender>> {
        let (hub, from) = (self.hub.clone(), self.me()?);
        Ok(Box::new(To { hub, from, channel: channel.to_owned(), receiver: receiver.clone() }))
    }

    fn answer(&self, source: &Offer, answer: Answer) -> Result<()> {
        let me = self.me()?;
        let state = self.hub.lock();
        let reached = state.reach(&me.id, &source.host.id);
        let listener = state.listener(&source.host).filter(|_| reached);
        drop(state);
        if let Some(listener) = listener {
            listener.notice(Notice::Answered { channel: source.channel.clone(), receiver: me.clone(), answer });
        }
        Ok(())
    }

    fn stop(&self) {
        let Ok(me) = self.me() else { return };
        let mut state = self.hub.lock();
        state.hosts.retain(|(host, _)| *host != me);
        let (mine, others) = std::mem::take(&mut state.offers).into_iter().partition(|(_, offer)| offer.host == me);
        state.offers = others;
        let gone: Vec<(u64, Offer)> = mine;
        let mut notices: Vec<_> = gone.iter().flat_map(|(_, offer)| state.about(offer, &Notice::Withdrawn)).collect();
        let (mine, others): (Vec<_>, _) =
            std::mem::take(&mut state.wishes).into_iter().partition(|wanted| wanted.wish.receiver == me);
        state.wishes = others;
        notices.extend(mine.iter().flat_map(|wanted| state.wished(wanted, &Notice::Unwanted)));
        drop(state);
        tell(notices);
    }
}
