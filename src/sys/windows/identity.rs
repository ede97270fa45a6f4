//! The identity of a file, and its owner.

use super::{error_of, handle_of};
use crate::sys::types::{FileType, Identity};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{GetSecurityInfo, SE_FILE_OBJECT};
use windows_sys::Win32::Security::{
    EqualSid, GetTokenInformation, IsWellKnownSid, OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, TOKEN_QUERY,
    TOKEN_USER, TokenUser, WinBuiltinAdministratorsSid, WinLocalSystemSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES, FILE_TYPE_DISK, GetFileInformationByHandle, GetFileType,
    READ_CONTROL,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

// Users have no numbers here that would fit; what matters of an owner is which of these it is.
/// Administrators and the system: trusted as root is on Unix.
const ELEVATED: u32 = 0;
const THIS_USER: u32 = 1;
const ANOTHER_USER: u32 = u32::MAX;

/// The user that owns the files that this process makes.
pub(crate) fn effective_user() -> u32 {
    THIS_USER
}

/// Identity of an open file.
pub(crate) fn identify(file: &File) -> io::Result<Identity> {
    let handle = handle_of(file);
    // SAFETY: takes a handle that is open while `file` is borrowed.
    let on_disk = unsafe { GetFileType(handle) } == FILE_TYPE_DISK;
    // SAFETY: a C struct of integers, for which all zeroes is a value.
    let mut info: BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: the handle is open, and `info` is writable.
    if unsafe { GetFileInformationByHandle(handle, &raw mut info) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let kind = if info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        FileType::Symlink
    } else if info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY != 0 || !on_disk {
        FileType::Other
    } else {
        FileType::File
    };
    let join = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    Ok(Identity {
        device: info.dwVolumeSerialNumber.into(),
        inode: join(info.nFileIndexHigh, info.nFileIndexLow),
        owner: owner_of(handle),
        links: info.nNumberOfLinks.into(),
        kind,
        len: join(info.nFileSizeHigh, info.nFileSizeLow),
        allocated: join(info.nFileSizeHigh, info.nFileSizeLow),
    })
}

/// Identity of what stands under `path` itself: a symbolic link is not followed.
pub(crate) fn identify_path(path: &Path) -> io::Result<Identity> {
    let open = |access| {
        OpenOptions::new()
            .access_mode(access)
            // The second opens directories.
            .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
            .open(path)
    };
    let file = match open(FILE_READ_ATTRIBUTES | READ_CONTROL) {
        // Its owner stays unknown, which means another user.
        Err(e) if e.kind() == ErrorKind::PermissionDenied => open(FILE_READ_ATTRIBUTES),
        other => other,
    }?;
    identify(&file)
}

/// Whether two identities mean the same file.
pub(crate) fn same_file(a: &Identity, b: &Identity) -> bool {
    a.device == b.device && a.inode == b.inode
}

/// The file's owner; another user when it cannot be found out.
fn owner_of(file: HANDLE) -> u32 {
    let mut owner: PSID = ptr::null_mut();
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the handle is open; the call writes the two pointers that it is given, and takes null
    // for what is not asked for.
    let status = unsafe {
        GetSecurityInfo(
            file,
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if status != 0 {
        return ANOTHER_USER;
    }
    let class = if owner.is_null() { ANOTHER_USER } else { class_of(owner) };
    // SAFETY: the call has allocated the descriptor, in which `owner` lies, for the caller to free;
    // neither is used after this.
    unsafe { LocalFree(descriptor) };
    class
}

/// What kind of user it is; `sid` points to a valid one.
fn class_of(sid: PSID) -> u32 {
    // SAFETY: the caller's pointer leads to a valid SID, here and below.
    let is_admin = unsafe { IsWellKnownSid(sid, WinBuiltinAdministratorsSid) } != 0;
    // SAFETY: see above.
    let is_system = unsafe { IsWellKnownSid(sid, WinLocalSystemSid) } != 0;
    if is_own(sid) {
        THIS_USER
    } else if is_admin || is_system {
        ELEVATED
    } else {
        ANOTHER_USER
    }
}

fn is_own(sid: PSID) -> bool {
    // 64-bit words, for the alignment that a TOKEN_USER needs.
    static OWN: OnceLock<Option<Vec<u64>>> = OnceLock::new();
    let Some(user) = OWN.get_or_init(|| token_user().ok()) else { return false };
    // SAFETY: `token_user` has had the system fill the words with a TOKEN_USER, aligned, that no
    // code has changed since.
    let own = unsafe { &*user.as_ptr().cast::<TOKEN_USER>() };
    // SAFETY: both point to valid SIDs: the caller's, and the one that lies in the same words
    // behind the TOKEN_USER.
    unsafe { EqualSid(sid, own.User.Sid) != 0 }
}

/// A TOKEN_USER, with the SID that it points to behind it. The words' memory stays where it is when
/// the vector is moved.
fn token_user() -> io::Result<Vec<u64>> {
    // SAFETY: takes no argument and cannot fail; the handle need not be closed.
    let process = unsafe { GetCurrentProcess() };
    let mut token: HANDLE = ptr::null_mut();
    // SAFETY: the call writes the handle that it is given.
    if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // The largest SID has 68 bytes.
    let mut words = vec![0_u64; 32];
    let mut len = 0;
    let room = u32::try_from(words.len() * 8).unwrap_or(0);
    // SAFETY: the token is open for queries; `words` has room for as many bytes as the call is
    // given.
    let answered = unsafe { GetTokenInformation(token, TokenUser, words.as_mut_ptr().cast(), room, &raw mut len) };
    let error = io::Error::last_os_error();
    // SAFETY: the handle is open, and not used after this.
    unsafe { CloseHandle(token) };
    match answered {
        0 => Err(error),
        _ if (len as usize) < size_of::<TOKEN_USER>() => Err(error_of(0)),
        _ => Ok(words),
    }
}
